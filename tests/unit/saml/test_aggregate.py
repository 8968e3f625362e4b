"""Aggregates: what is read, what is refused, and that nothing but DocumentInvalid ever comes of a broken one."""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from metadata.errors import DocumentInvalid, SignatureInvalid
from metadata.saml.aggregate import AggregateReading, open_aggregate
from metadata.saml.card import EntityCard, read_card
from metadata.saml.lifetime import Lifetime
from metadata.saml.parse import Reading, parse_idp
from metadata.saml.splitter import Split, SplitAsk, split
from tests.fakes import saml_names as n
from tests.fakes.saml_aggregate import Federation, entity, entity_id
from tests.fakes.saml_keys import clone_of, key

FED = Federation()
ASK = SplitAsk(FED.now, (FED.signer.certificate_pem,))
UNSIGNED = replace(ASK, certificates=None)
THREE = FED.entities(3)


def cut(document: bytes, ask: SplitAsk = ASK) -> tuple[Split, list[EntityCard]]:
    """In this process: the splitter and the reader of cards, as the child and its parent have them."""
    cards: list[tuple[bytes, Lifetime]] = []
    about = split(io.BytesIO(document), lambda octets, life: cards.append((octets, life)), ask)
    return about, [read_card(octets, life, ask.now) for octets, life in cards]


def expect_refusal(document: bytes, *codes: str, ask: SplitAsk = ASK) -> None:
    with pytest.raises(DocumentInvalid) as caught:
        cut(document, ask)
    assert caught.value.code in codes, (caught.value.code, caught.value.private)


def test_a_card_says_what_discovery_and_filters_need() -> None:
    about, cards = cut(THREE)
    assert (about.name, about.entities, about.written) == ("urn:example:federation", 3, 3)
    assert about.lifetime == Lifetime(FED.now + timedelta(days=14), 21_600)
    card = cards[1]
    assert card.entity_id == entity_id(1)
    assert card.display_names == (("en", "University 1"), ("de", "Universität 1"))
    assert card.keywords == (("en", "bears+honey"),)
    assert (card.scopes, card.domains) == (("univ1.example.edu",), ("univ1.example.edu", "hint.univ1.example.edu"))
    assert card.logo_url == "https://idp.univ1.example.edu/logo.png"
    assert card.registration_authority == "https://fed1.example.net"
    assert card.categories == ("http://refeds.org/category/hide-from-discovery",)
    assert card.supported_categories == ("http://refeds.org/category/research-and-scholarship",)
    assert card.assurance == ("https://refeds.org/sirtfi",)
    assert card.valid_until == FED.now + timedelta(days=14)


def test_the_octets_of_a_card_stand_alone() -> None:
    _, cards = cut(THREE)
    assert [parse_idp(card.octets, Reading(FED.now)).entity_id for card in cards] == [entity_id(number) for number in range(3)]


SHAPES: dict[str, Callable[[str], str]] = {
    "plain": lambda body: body,
    "comments": lambda body: f"<!-- <md:EntityDescriptor> --> {body} <!-- </md:EntityDescriptor> -->",
    "extensions": lambda body: f"<md:Extensions><x xmlns='urn:x' a='&lt;&gt;'>&amp;</x></md:Extensions>{body}",
    "a group": lambda body: f"<md:EntitiesDescriptor Name='inner'>\n{body}</md:EntitiesDescriptor>\n",
    "groups": lambda body: (
        f"{entity(7)}<md:EntitiesDescriptor> <md:EntitiesDescriptor xmlns:q='urn:q' q:z='1'>{body}</md:EntitiesDescriptor>{entity(8)} "
        f"</md:EntitiesDescriptor> {entity(9)}"
    ),
    "other prefixes": lambda body: f'<EntityDescriptor xmlns="{n.MD}" ' + body.replace("<md:", "<").replace("</md:", "</")[18:],
    "CDATA": lambda body: body.replace("University 0", "<![CDATA[</md:EntityDescriptor>]]>"),
    "spaces in tags": lambda body: body.replace("</md:EntityDescriptor>", "</md:EntityDescriptor \n>"),
    "xsi": lambda body: body.replace("<saml:AttributeValue>", f'<saml:AttributeValue xmlns:xsi="{n.XSI}" xsi:type="a">'),
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_honest_documents_of_many_shapes_verify(shape: str) -> None:
    """libxmlsec signs the whole tree; the digest that grows must come to the same."""
    body = SHAPES[shape](entity(0))
    about, cards = cut(FED.signed(body))
    assert about.key_sha256
    assert entity_id(0) in [card.entity_id for card in cards]
    for card in cards:
        assert parse_idp(card.octets, Reading(FED.now)).entity_id == card.entity_id


@pytest.mark.parametrize("prefixes", ["md", "md mdui #default"])
def test_inclusive_prefixes_verify(prefixes: str) -> None:
    about, _ = cut(FED.signed(entity(0), prefixes=prefixes))
    assert about.written == 1


def test_lifetimes_of_groups_bind_what_is_in_them() -> None:
    soon = 'validUntil="2026-05-05T12:00:00Z"'
    body = f'<md:EntitiesDescriptor {soon} cacheDuration="PT1H">{entity(0)}</md:EntitiesDescriptor>{entity(1)}'
    about, cards = cut(FED.signed(body))
    assert [card.valid_until for card in cards] == [FED.now + timedelta(days=1), FED.now + timedelta(days=14)]
    assert about.lifetime == Lifetime(FED.now + timedelta(days=14), 3600)


def test_service_providers_are_passed_over_unless_asked_for() -> None:
    body = entity(0) + '<md:EntityDescriptor entityID="urn:sp"><md:SPSSODescriptor/></md:EntityDescriptor>'
    assert [card.entity_id for card in cut(FED.signed(body))[1]] == [entity_id(0)]
    about, cards = cut(FED.signed(body), replace(ASK, idps_only=False))
    assert [card.entity_id for card in cards] == [entity_id(0), "urn:sp"]
    assert about.entities == 2


def test_the_throwaway_process_reads_it_and_tells_why_not(file: Callable[[bytes], BinaryIO]) -> None:
    how = AggregateReading(ASK)
    bad = FED.signed(entity(0) + entity(1, attributes='validUntil="2026-05-04T12:00:00Z"'))
    with open_aggregate(file(bad), how) as aggregate:
        assert [card.entity_id for card in aggregate.cards()] == [entity_id(0)]
        assert [code for _, code in aggregate.left_out] == ["metadata_expired"]
    with pytest.raises(SignatureInvalid) as caught:
        open_aggregate(file(THREE.replace(b"University 2", b"University 3")), how)
    assert caught.value.code == "signature_wrong"


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Callable[[bytes], BinaryIO]]:
    with contextlib.ExitStack() as stack:

        def opened(document: bytes) -> BinaryIO:
            path = tmp_path / "aggregate.xml"
            path.write_bytes(document)
            return stack.enter_context(path.open("rb"))

        yield opened


READER = """
import sys
from datetime import datetime
from pathlib import Path
from metadata.saml.aggregate import AggregateReading, open_aggregate
from metadata.saml.splitter import SplitAsk, split
path, certificate, now = sys.argv[1:]
ask = SplitAsk(datetime.fromisoformat(now), (certificate,))
with open(path, "rb") as file:  # the child's part and the parent's in one process
    split(file, lambda octets, around: None, ask)
    with open_aggregate(file, AggregateReading(ask)) as aggregate:
        cards = sum(1 for _ in aggregate.cards())
print(cards, [line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")][0])
"""


def test_2000_entities_take_little_memory(tmp_path: Path) -> None:
    """Twenty times the document, and not 4 MB more at the peak, verifying and reading together."""
    peaks = {}
    for count in (100, 2000):
        path = tmp_path / "aggregate.xml"
        path.write_bytes(FED.entities(count))
        command = [sys.executable, "-c", READER, str(path), FED.signer.certificate_pem, FED.now.isoformat()]
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[3])
        cards, peaks[count] = map(int, done.stdout.split())
        assert cards == count
    assert path.stat().st_size > 8_000_000
    assert peaks[2000] - peaks[100] < 4_000, peaks
    assert peaks[2000] < 80_000


def test_a_child_that_runs_out_is_a_refusal(file: Callable[[bytes], BinaryIO]) -> None:
    big = FED.plain(entity(0).replace("<md:Org", "<a/>" * 450_000 + "<md:Org", 1))
    unsigned = AggregateReading(UNSIGNED)
    for document, how in ((big, replace(unsigned, memory=100_000_000)), (THREE, replace(unsigned, seconds=0))):
        with pytest.raises(DocumentInvalid) as caught:
            open_aggregate(file(document), how)
        assert caught.value.code in ("aggregate_unreadable", "xml_too_large", "xml_malformed")


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_broken_document_is_refused_and_never_a_crash(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(THREE) - 1))
    broken = THREE[:at] if data.draw(st.booleans()) else THREE[:at] + data.draw(st.binary(max_size=6)) + THREE[at + 1 :]
    try:
        _, cards = cut(broken)
    except DocumentInvalid:
        return
    assert [(card.entity_id, card.octets) for card in cards] == [(card.entity_id, card.octets) for card in cut(THREE)[1]]


def test_other_documents_are_not_aggregates() -> None:
    expect_refusal(b"", "xml_malformed")
    expect_refusal(b"<md:EntityDescriptor xmlns:md='%s' entityID='x'><a/></md:EntityDescriptor>" % n.MD.encode(), "not_metadata")
    expect_refusal(FED.plain("") + b"<!-- -->x", "xml_malformed", ask=UNSIGNED)
    assert cut(FED.plain("") + b"\n<!-- end -->\n", UNSIGNED)[0].entities == 0


def test_keys_may_roll_over_and_others_do_not_count() -> None:
    pins = (key("another").certificate_pem, FED.signer.certificate_pem)
    assert cut(THREE, replace(ASK, certificates=pins))[0].written == 3
    expect_refusal(THREE, "signature_wrong", ask=replace(ASK, certificates=pins[:1]))
    expect_refusal(THREE, "signature_key_missing", ask=replace(ASK, certificates=()))
    assert clone_of("federation", "another").certificate_pem not in pins
    assert etree.fromstring(THREE).tag == n.q("md:EntitiesDescriptor")
