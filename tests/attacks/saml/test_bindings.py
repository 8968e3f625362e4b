"""SAML-H: what comes with a form post, in which shape, and how big. The redirect binding's rows are beside logout, which uses it."""

from __future__ import annotations

import base64
import collections
import functools
import itertools
import math
import urllib.parse
import zlib
from collections.abc import Callable
from dataclasses import replace

import pytest

from providers.base import Inbound, LoginAsk, Toolbox
from providers.saml.provider import SamlProvider
from tests.attacks.saml.limits import bounded
from tests.attacks.saml.oracle import Case, check, honest, outcome_of, over, refused, rows, unchanged
from tests.attacks.saml.ring import ACS, HANDLE, Canary, Clock, Ring, Scene, idp_b, inbound, ring, spec_for
from tests.fakes import saml_names as n
from tests.fakes.saml_forge import deflate, form_value, read_request
from tests.fakes.saml_keys import key
from tests.fakes.saml_logout import LogoutAsk, LogoutReply, posted

Pairs = tuple[tuple[str, str], ...]
RELAY = ("RelayState", HANDLE)


def form(make: Callable[[Scene], Pairs], query: Callable[[Scene], Pairs] = lambda scene: ()) -> Callable[[Scene], Inbound]:
    return lambda scene: Inbound("POST", ACS, query=query(scene), form=make(scene), raw_query=urllib.parse.urlencode(query(scene)))


def value(scene: Scene) -> str:
    return form_value(scene.document)


def field(change: Callable[[str], str]) -> Callable[[Scene], str]:
    """Another writing of the SAMLResponse field."""

    def craft(scene: Scene) -> str:
        assert change(value(scene)) != value(scene)
        return change(value(scene))

    return craft


def lines(text: str, end: str, size: int = 76) -> str:
    return end.join(text[i : i + size] for i in range(0, len(text), size))


def url_safe(text: str) -> str:
    return "-_" + text.replace("+", "-").replace("/", "_") if not set("+/") & set(text) else text.replace("+", "-").replace("/", "_")


def by_get(scene: Scene) -> Inbound:
    pairs: Pairs = (("SAMLResponse", deflate(scene.document)), RELAY)
    return Inbound("GET", ACS, query=pairs, raw_query=urllib.parse.urlencode(pairs))


def by_get_plain(scene: Scene) -> Inbound:
    pairs: Pairs = (("SAMLResponse", value(scene)), RELAY)
    return Inbound("GET", ACS, query=pairs, raw_query=urllib.parse.urlencode(pairs))


def authn_request(scene: Scene) -> str:
    return form_value(n.serialize(scene.ring.asked.root))


def logout_request(scene: Scene) -> bytes:
    return posted(LogoutAsk(scene.idp.entity_id, ACS, scene.answer.now).markup(), scene.idp.key)


def logout_response(scene: Scene) -> bytes:
    return posted(LogoutReply(scene.idp.entity_id, ACS, scene.answer.now, scene.ring.asked.request_id).markup(), scene.idp.key)


def soap(scene: Scene) -> bytes:
    envelope = "http://schemas.xmlsoap.org/soap/envelope/"
    return f'<S:Envelope xmlns:S="{envelope}"><S:Body>'.encode() + scene.document + b"</S:Body></S:Envelope>"


ARTIFACT = base64.b64encode(b"\x00\x04\x00\x00" + bytes(20) + b"h" * 20).decode()
CASES = [
    Case("H9", "request beside response", form(lambda s: (("SAMLResponse", value(s)), ("SAMLRequest", authn_request(s)), RELAY))),
    Case("H9", "request in the query", form(lambda s: (("SAMLResponse", value(s)), RELAY), lambda s: (("SAMLRequest", "x"),))),
    Case("H12", "encoding named", form(lambda s: (("SAMLResponse", value(s)), ("SAMLEncoding", "urn:evil:encoding"), RELAY))),
    Case("H13", "lines of 76", field(lambda t: lines(t, "\r\n")), judge=unchanged),
    Case("H13", "spaces", field(lambda t: lines(t, " ", 11)), judge=unchanged),
    Case("H13", "url-safe", lambda s: url_safe(value(s))),
    Case("H13", "percent", field(urllib.parse.quote_plus)),
    Case("H13", "junk before", field(lambda t: "%%%" + t)),
    Case("H13", "junk within", field(lambda t: t[:40] + "*" + t[40:])),
    Case("H13", "junk after", field(lambda t: t.rstrip("=") + "=AAAA")),
    Case("H13", "padding within", field(lambda t: t[:40] + "==" + t[40:])),
    Case("H13", "padding too much", field(lambda t: t + "====")),
    Case("H13", "twice", field(lambda t: base64.b64encode(t.encode()).decode())),
    Case("H13", "not at all", lambda s: s.document.decode()),
    Case("H13", "nothing", lambda s: ""),
    Case("H13", "nul", field(lambda t: t + "\x00")),
    Case("H13", "wide characters", field(lambda t: t.replace("A", "\uff21", 1))),
    Case("H13", "deflated", lambda s: deflate(s.document)),
    Case("H14", "authn request as response", authn_request),
    Case("H14", "authn request", form(lambda s: (("SAMLRequest", authn_request(s)), RELAY))),
    Case("H14", "response as request", form(lambda s: (("SAMLRequest", value(s)), RELAY))),
    Case("H14", "logout request", logout_request),
    Case("H14", "logout response", logout_response),
    Case("H14", "assertion alone", lambda s: n.serialize(n.find(s.tree(), "saml:Assertion"))),
    Case("H14", "metadata", lambda s: s.idp.metadata(sign_with=s.idp.key).encode()),
    Case("H15", "get", by_get),
    Case("H15", "get without deflate", by_get_plain),
    Case("H15", "twice the same", form(lambda s: (("SAMLResponse", value(s)), ("SAMLResponse", value(s)), RELAY))),
    Case("H15", "junk first", form(lambda s: (("SAMLResponse", "AAAA"), ("SAMLResponse", value(s)), RELAY))),
    Case("H15", "junk last", form(lambda s: (("SAMLResponse", value(s)), ("SAMLResponse", "AAAA"), RELAY))),
    Case("H15", "none", form(lambda s: (RELAY,))),
    Case("H15", "also in the query", form(lambda s: (("SAMLResponse", value(s)), RELAY), lambda s: (("SAMLResponse", value(s)),))),
    Case("H15", "only in the query", form(lambda s: (RELAY,), lambda s: (("SAMLResponse", value(s)),))),
    Case("H15", "wrong case", form(lambda s: (("samlresponse", value(s)), RELAY))),
    Case("H17", "artifact", form(lambda s: (("SAMLart", ARTIFACT), RELAY))),
    Case("H17", "artifact beside response", form(lambda s: (("SAMLart", ARTIFACT), ("SAMLResponse", value(s)), RELAY))),
    Case(
        "H18", "unknown source by get", lambda s: Inbound("GET", ACS, query=(("SAMLart", ARTIFACT), RELAY), raw_query="SAMLart=" + ARTIFACT)
    ),
    Case("H19", "soap", soap),
    Case(
        "H19",
        "ecp",
        lambda s: soap(s).replace(
            b"<S:Body>", b'<S:Header><e:Response xmlns:e="urn:oasis:names:tc:SAML:2.0:profiles:SSO:ecp"/></S:Header><S:Body>'
        ),
    ),
]


@over(CASES)
def test_our_address_takes_one_response_in_one_field_of_a_post(case: Case) -> None:
    check(case)


@functools.cache
def bomb() -> bytes:
    """200 MB of one letter in 200 kB."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(b"A" * (1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    return block * 200 + packer.flush()


def laughs(scene: Scene) -> bytes:
    names = "abcdefghij"
    entities = "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in itertools.pairwise(names))
    return f'<!DOCTYPE r [<!ENTITY a "lol">{entities}]>'.encode() + scene.document.replace(b">alice@", b">&j;alice@", 1)


def quadratic(scene: Scene) -> bytes:
    return f'<!DOCTYPE r [<!ENTITY a "{"a" * 100_000}">]>'.encode() + scene.document.replace(b">alice@", b">" + b"&a;" * 3000 + b"@", 1)


def stuffed(what: str) -> Callable[[Scene], bytes]:
    """A hundred thousand of something where no signature of the assertion looks."""
    count = 100_000

    def craft(scene: Scene) -> bytes:
        if what == "attributes":
            extra = " ".join(f'a{i}="x"' for i in range(count))
        elif what == "namespaces":
            extra = " ".join(f'xmlns:a{i}="u{i}"' for i in range(count))
        else:
            siblings = "".join(f"<a{i}/>" if what == "names" else "<a/>" for i in range(count))
            return scene.document.replace(b"<samlp:Status>", f"<samlp:Extensions>{siblings}</samlp:Extensions><samlp:Status>".encode(), 1)
        return scene.document.replace(b"<samlp:Response ", f"<samlp:Response {extra} ".encode(), 1)

    return craft


COSTLY: dict[str, Callable[[Scene], bytes | str]] = {
    "H2 bomb": lambda s: base64.b64encode(bomb()).decode(),
    "H3 1 MB": lambda s: "A" * (1 << 20),
    "H3 10 MB": lambda s: "A" * (10 << 20),
    "H3 100 MB": lambda s: "A" * (100 << 20),
    "H3 document of 10 MB": lambda s: s.document.replace(b">alice@", b">" + b"a" * (10 << 20) + b"@", 1),
    "H4 laughs": laughs,
    "H4 quadratic": quadratic,
    "H5 attributes": stuffed("attributes"),
    "H5 namespaces": stuffed("namespaces"),
    "H5 siblings": stuffed("siblings"),
    "H5 names": stuffed("names"),
}


@rows("H2", "H3", "H4", "H5")
@pytest.mark.parametrize("which", COSTLY)
def test_a_costly_message_is_refused_cheaply(which: str) -> None:
    scene = Scene(ring(), "G-B")
    message = inbound(COSTLY[which](scene))
    with bounded():
        outcome = outcome_of(scene.ring, message)
    refused(scene, outcome)
    honest(scene, outcome_of(scene.ring, scene.document))


@rows("H1")
def test_a_deflated_bomb_by_redirect_is_refused_cheaply() -> None:
    scene = Scene(ring(), "G-B")
    packed = base64.b64encode(bomb()).decode()
    pairs: Pairs = (("SAMLResponse", packed), RELAY)
    message = Inbound("GET", ACS, query=pairs, raw_query=urllib.parse.urlencode(pairs))
    with bounded():
        outcome = outcome_of(scene.ring, message)
    refused(scene, outcome)
    honest(scene, outcome_of(scene.ring, scene.document))


@rows("H16")
def test_a_good_message_at_another_address_is_refused() -> None:
    scene = Scene(ring(), "G-B")
    theirs = Ring(idp=idp_b(), changes={"provider_id": "prov-b"})
    refused(scene, outcome_of(theirs, scene.document))
    hosts = Ring(changes={"callback_urls": (ACS, "https://old.acme.example/saml2/idpresponse")})
    at_old = replace(inbound(Scene(hosts, "G-B").document), callback_url="https://old.acme.example/saml2/idpresponse")
    outcome = outcome_of(hosts, at_old)
    if isinstance(outcome, Exception):
        refused(scene, outcome)
    honest(scene, outcome_of(scene.ring, scene.document))


def fresh_requests(count: int) -> list[object]:
    import secrets

    box = Toolbox(clock=Clock(), fetch=Canary(), token=secrets.token_urlsafe)
    provider = SamlProvider.from_spec(spec_for(ring().idp), box)
    return [provider.start(LoginAsk(HANDLE, ACS)) for _ in range(count)]


@rows("H20")
def test_a_request_is_unguessable_and_tells_no_secret() -> None:
    starts = fresh_requests(64)
    ids = [read_request(start).request_id for start in starts]  # type: ignore[arg-type]
    assert len(set(ids)) == len(ids)
    tails = [made.lstrip("_") for made in ids]
    alphabet = collections.Counter("".join(tails))
    assert min(map(len, tails)) * math.log2(len(alphabet)) >= 128
    for position in range(4, min(map(len, tails))):
        assert len({tail[position] for tail in tails}) > 4, f"character {position} hardly changes"
    private = key("sp-signing").private_pem.splitlines()[1:-1]
    for start in starts[:4]:
        read = read_request(start)  # type: ignore[arg-type]
        sent = n.serialize(read.root).decode() + repr(read.parameters) + start.url  # type: ignore[attr-defined]
        assert not any(line in sent for line in private)
        for word in ("prov-a", "AcmeIdP", "eu-west-1_Acme01/", "alice"):
            assert word not in sent.replace("urn:amazon:cognito:sp:eu-west-1_Acme01", "")


@rows("H8")
def test_relay_state_is_our_handle_and_nothing_else() -> None:
    for start in fresh_requests(2):
        assert read_request(start).relay_state == HANDLE  # type: ignore[arg-type]
