"""SAML-F: one person, one key; two persons, two keys, however alike their names look."""

from __future__ import annotations

import pytest

from providers.base import UpstreamIdentity
from providers.errors import ProviderError
from tests.attacks.saml.edits import drop, put, signed, swap, words
from tests.attacks.saml.oracle import ALL, Case, Outcome, check, honest, outcome_of, over, refused, rows
from tests.attacks.saml.ring import Ring, Scene, idp_b, ring
from tests.fakes import saml_names as n
from tests.fakes.saml_forge import HONEST, Attribute

NAME = ".//saml:Subject/saml:NameID"
PLAIN_NAME = "alice@corp.example"


def same_or_refused(scene: Scene, outcome: Outcome) -> None:
    """Normalised to the plain name, or refused: never a second account of one person."""
    if isinstance(outcome, ProviderError):
        refused(scene, outcome)
    else:
        assert outcome.subject_key == scene.ring.finish(Scene(scene.ring, "G-B").document).subject_key


def distinct_or_refused(scene: Scene, outcome: Outcome) -> None:
    """Another subject than the plain name's, or refused."""
    if isinstance(outcome, ProviderError):
        refused(scene, outcome)
    else:
        assert outcome.subject_key != scene.ring.finish(Scene(scene.ring, "G-B").document).subject_key


SPACES = {
    "space before": f" {PLAIN_NAME}",
    "space after": f"{PLAIN_NAME} ",
    "newline after": f"{PLAIN_NAME}\n",
    "tab before": f"\t{PLAIN_NAME}",
    "no-break space": f"{PLAIN_NAME}\u00a0",
    "zero width space": "alice\u200b@corp.example",
    "zero width joiner": f"{PLAIN_NAME}\u200d",
    "word joiner": f"\u2060{PLAIN_NAME}",
    "byte order mark": f"\ufeff{PLAIN_NAME}",
    "soft hyphen": "ali\u00adce@corp.example",
    "right to left": f"\u202e{PLAIN_NAME}",
    "ideographic space": f"{PLAIN_NAME}\u3000",
}
TWINS = {
    "F2": {"upper case": "ALICE@CORP.EXAMPLE", "one letter": "Alice@corp.example", "domain": "alice@Corp.example"},
    "F3": {
        "cyrillic a": "\u0430lice@corp.example",
        "dotless i": "al\u0131ce@corp.example",
        "full width": "\uff41lice@corp.example",
        "punycode": "alice@xn--crp-sna.example",
        "idn": "alice@c\u00f3rp.example",
        "decomposed": "alice@co\u0301rp.example",
        "full stop": "alice@corp\u3002example",
    },
}
HOSTILE = {
    "10000 characters": "a" * 10_000,
    "newline": "alice\nadmin",
    "carriage return": "alice\radmin",
    "escape": "alice\x85admin",
    "ldap": "*)(uid=*))(|(uid=*",
    "sql": "x'; DROP TABLE users;--",
    "html": "<script>alert(1)</script>",
    "attribute": '"><img src=x onerror=alert(1)>',
    "csv": "=cmd|' /C calc'!A0",
    "template": "{{7*7}}${7*7}",
    "path": "../../etc/passwd",
    "log": 'x" level=info msg="granted',
}

EMPTY = [
    Case("F4", "empty", signed(words(NAME, "")), ALL),
    Case("F4", "spaces", signed(words(NAME, " \n ")), ALL),
    Case("F4", "no-break space", signed(words(NAME, "\u00a0"))),
    Case("F4", "zero width", signed(words(NAME, "\u200b"))),
    Case("F4", "missing", signed(drop(NAME)), ALL),
    Case(
        "F4",
        "only a comment",
        lambda s: s.signed(words(NAME, "")).replace(b"</saml:NameID>", b"<!-- alice@corp.example --></saml:NameID>"),
        ("G-R", "G-A"),
    ),
    Case("F4", "a base id instead", signed(swap(NAME, '<saml:BaseID xsi:type="saml:BaseIDAbstractType"/>'))),
    Case("F4", "only an element", signed(swap(NAME, "<saml:NameID><x>admin@corp.example</x></saml:NameID>"))),
]
SPACED = [Case("F1", label, signed(words(NAME, name)), judge=same_or_refused) for label, name in SPACES.items()]
ALIKE = [
    Case(row, label, signed(words(NAME, name)), judge=distinct_or_refused) for row, found in TWINS.items() for label, name in found.items()
]


def exact(name: str, scene: Scene, outcome: Outcome) -> None:
    """Refused, and nothing of it on the page; or taken to the letter, as text."""
    if isinstance(outcome, ProviderError):
        refused(scene, outcome)
        assert name[:20] not in outcome.public
    else:
        assert outcome.subject == name
        honest(Scene(scene.ring, scene.base, {"name_id": name}), outcome)


def hostile(label: str, name: str) -> Case:
    return Case("F5", label, lambda scene: scene.signed(name_id=name), judge=lambda scene, outcome: exact(name, scene, outcome))


SINKS = [hostile(label, name) for label, name in HOSTILE.items()]


@over(EMPTY)
def test_without_a_name_there_is_nobody(case: Case) -> None:
    check(case)


@over(SPACED)
def test_white_space_makes_no_second_account(case: Case) -> None:
    check(case)


@over(ALIKE)
def test_names_that_look_alike_are_different_people(case: Case) -> None:
    check(case)


@over(SINKS)
def test_a_hostile_name_is_refused_or_kept_as_plain_text(case: Case) -> None:
    check(case)


@rows("F5")
@pytest.mark.parametrize("label", HOSTILE)
def test_a_hostile_attribute_is_refused_or_kept_as_plain_text(label: str) -> None:
    attributes = (Attribute("note", (HOSTILE[label],)), *HONEST)
    scene = Scene(ring(), "G-B", {"attributes": attributes})
    outcome = outcome_of(scene.ring, scene.document)
    if isinstance(outcome, ProviderError):
        refused(scene, outcome)
        assert HOSTILE[label][:20] not in outcome.public
    else:
        honest(scene, outcome)


@rows("F5")
def test_a_nul_is_no_character() -> None:
    scene = Scene(ring(), "G-B")
    for nul in (b"\x00", b"&#0;", b"&#x1;", b"\x1b"):
        refused(scene, outcome_of(scene.ring, scene.document.replace(b">alice@", b">alice" + nul + b"@", 1)))
    honest(scene, outcome_of(scene.ring, scene.document))


def identity(**changes: object) -> UpstreamIdentity:
    outcome = outcome_of(ring(), Scene(ring(), "G-B", changes).document)
    assert not isinstance(outcome, ProviderError), outcome
    return outcome


@rows("F6")
def test_a_transient_name_is_marked_as_no_key() -> None:
    assert identity(name_id="_t1", name_id_format=n.FORMAT_TRANSIENT).transient
    for lasting in (n.FORMAT_PERSISTENT, n.FORMAT_EMAIL, n.FORMAT_UNSPECIFIED, None):
        assert not identity(name_id_format=lasting).transient


@rows("F7")
def test_equal_values_of_different_kinds_are_different_subjects() -> None:
    formats = (n.FORMAT_EMAIL, n.FORMAT_PERSISTENT, n.FORMAT_TRANSIENT, n.FORMAT_UNSPECIFIED, "urn:other:format")
    keys = [identity(name_id_format=given).subject_key for given in formats]
    assert len(set(keys)) == len(formats)
    assert identity(name_id_format=None).subject_key == identity(name_id_format=n.FORMAT_UNSPECIFIED).subject_key
    persistent = {"name_id_format": n.FORMAT_PERSISTENT}
    qualifiers: tuple[tuple[tuple[str, str], ...], ...] = (
        (),
        (("NameQualifier", "https://other-idp.example/"),),
        (("SPNameQualifier", "urn:other:sp"),),
        (("NameQualifier", "urn:other:sp"), ("SPNameQualifier", "https://other-idp.example/")),
    )
    qualified = []
    for extra in qualifiers:
        outcome = outcome_of(ring(), Scene(ring(), "G-B", {**persistent, "name_id_extra": extra}).document)
        if not isinstance(outcome, ProviderError):
            qualified.append(outcome.subject_key)
    assert qualified
    assert len(set(qualified)) == len(qualified)


@rows("F7")
def test_what_is_joined_in_a_key_cannot_be_shifted_from_one_part_to_the_next() -> None:
    """A separator inside a part must not make two subjects one."""
    seen = {}
    for separator in ("|", "!", ":", "/", "\n", " ", ",", ";", "#", "\\"):
        for name, given in ((f"a{separator}b", "urn:f:c"), ("a", f"urn:f:b{separator}c"), (f"a{separator}urn:f:b", "c:c")):
            scene = Scene(ring(), "G-B", {"name_id": name, "name_id_format": given})
            outcome = outcome_of(scene.ring, scene.document)
            if not isinstance(outcome, ProviderError):
                assert outcome.subject_key not in seen, (seen[outcome.subject_key], (name, given))
                seen[outcome.subject_key] = (name, given)
    assert len(seen) > 5


@rows("F7")
@pytest.mark.parametrize("other", [n.FORMAT_EMAIL, n.FORMAT_TRANSIENT, n.FORMAT_UNSPECIFIED, None])
def test_a_format_that_was_demanded_is_given_or_the_answer_refused(other: str | None) -> None:
    found = Ring(options={"name_id_format": n.FORMAT_PERSISTENT})
    scene = Scene(found, "G-B", {"name_id_format": n.FORMAT_PERSISTENT})
    refused(scene, outcome_of(found, scene.signed(name_id_format=other)))
    honest(scene, outcome_of(found, scene.document))


@rows("F8")
def test_one_value_from_two_providers_is_two_subjects() -> None:
    theirs = Ring(idp=idp_b(), changes={"provider_id": "prov-b"})
    mine, other = ring().finish(Scene(ring(), "G-B").document), theirs.finish(Scene(theirs, "G-B").document)
    assert mine.subject == other.subject
    assert (mine.provider_id, mine.issuer, mine.subject_key) != (other.provider_id, other.issuer, other.subject_key)
    assert mine.issuer != other.issuer
    assert mine.provider_id != other.provider_id


@rows("F1")
def test_a_name_is_read_alike_in_the_subject_and_in_the_key() -> None:
    scene = Scene(ring(), "G-B")
    outcome = outcome_of(scene.ring, signed(put(NAME, "Format", n.FORMAT_PERSISTENT), words(NAME, " x "))(scene))
    if not isinstance(outcome, ProviderError):
        assert outcome.subject == "x"
    honest(scene, outcome_of(scene.ring, scene.document))
