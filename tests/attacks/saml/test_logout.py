"""SAML-I, and the rows of SAML-H that are about the redirect binding: nobody but the identity provider ends a session."""

from __future__ import annotations

import functools
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from providers.base import Inbound, LogoutNotice, UpstreamSession
from providers.errors import ProviderError
from tests.attacks.saml.edits import put, swap, words
from tests.attacks.saml.limits import bounded
from tests.attacks.saml.oracle import honest, outcome_of, refused, rows
from tests.attacks.saml.ring import NOW, SLO, Ring, Scene, idp_a, idp_b
from tests.attacks.saml.test_bindings import bomb
from tests.fakes import saml_names as n
from tests.fakes.saml_forge import deflate, form_value, read_request
from tests.fakes.saml_keys import key
from tests.fakes.saml_logout import LogoutAsk, LogoutReply, Redirect, join, posted, redirected
from tests.fakes.saml_sign import hmac_signer, rsa_signer

LATER = "https://evil.example/after"


@functools.cache
def leaving() -> Ring:
    """A provider that takes part in logout."""
    return Ring(options={"sign_out": True})


@functools.cache
def session() -> UpstreamSession:
    return leaving().finish(Scene(leaving(), "G-B").document).session


@functools.cache
def subject_key() -> str:
    return leaving().finish(Scene(leaving(), "G-B").document).subject_key


def ask(**changes: object) -> LogoutAsk:
    return replace(LogoutAsk(idp_a().entity_id, SLO, NOW), **changes)  # type: ignore[arg-type]


def post(document: bytes, parameter: str = "SAMLRequest") -> Inbound:
    return Inbound("POST", SLO, form=((parameter, form_value(document)), ("RelayState", "relay-1")))


def get(raw_query: str) -> Inbound:
    return Inbound("GET", SLO, query=tuple(urllib.parse.parse_qsl(raw_query, keep_blank_values=True)), raw_query=raw_query)


def received(message: Inbound) -> LogoutNotice | ProviderError:
    try:
        return leaving().provider.receive_logout(message)
    except ProviderError as error:
        return error


def by_post(**changes: object) -> Inbound:
    return post(posted(ask(**changes).markup(), key("idp-a")))


def by_redirect(**changes: object) -> Inbound:
    return get(redirected("SAMLRequest", ask(**changes).markup(), key("idp-a")))


def check_twin(notice: LogoutNotice | ProviderError) -> None:
    """The honest request ends this subject's session, and burns its own id."""
    assert isinstance(notice, LogoutNotice), notice
    assert notice.issuer == idp_a().entity_id
    assert notice.subject_key == subject_key()
    assert notice.session_indexes == ("_s1",)
    assert notice.burns


def check_refused(message: Inbound) -> None:
    scene = Scene(leaving(), "G-B")
    outcome = received(message)
    assert isinstance(outcome, ProviderError), f"a session would end: {outcome}"
    refused(scene, outcome)
    check_twin(received(by_post()))
    check_twin(received(by_redirect()))


def signed_by(name: str, **changes: object) -> Inbound:
    return post(posted(ask(**changes).markup(), key(name)))


def tampered(document: bytes) -> bytes:
    assert b"alice@" in document
    return document.replace(b"alice@", b"admin@")


def parts(signer: object = None, **how: object) -> list[tuple[str, str]]:
    made = Redirect("SAMLRequest", ask().markup().encode(), signer or rsa_signer(key("idp-a")), **how)  # type: ignore[arg-type]
    return made.parts()


def without(name: str) -> Inbound:
    return get(join([part for part in parts() if part[0] != name]))


def with_part(name: str, value: str) -> Inbound:
    """One part of the query for another, after the signature."""
    return get(join([(each, value if each == name else old) for each, old in parts()]))


def doubled(name: str) -> Inbound:
    query = parts()
    return get(join([*query, next(part for part in query if part[0] == name)]))


def quoted(uri: str) -> str:
    return urllib.parse.quote(uri, safe="")


def signed_as(algorithm: str, signer: object) -> Inbound:
    return get(join(parts(signer, algorithm=algorithm)))


def sha1_signer() -> object:
    from cryptography.hazmat.primitives import hashes

    return rsa_signer(key("idp-a"), hashes.SHA1())


def reordered() -> Inbound:
    """Signed in another order than the standard's, and sent in that order."""
    query = dict(parts())
    names = ("RelayState", "SAMLRequest", "SigAlg")
    octets = join([(name, query[name]) for name in names]).encode()
    import base64

    query["Signature"] = quoted(base64.b64encode(rsa_signer(key("idp-a"))(octets)).decode())
    return get(join([(name, query[name]) for name in (*names, "Signature")]))


def disguised() -> Inbound:
    """A second SAMLRequest whose name is percent-encoded, so that only one of two parsers sees it."""
    evil = quoted(deflate(ask(name_id="admin@corp.example").markup().encode()))
    return get(f"SAML%52equest={evil}&" + join(parts()))


@functools.cache
def small_bomb() -> str:
    import base64

    return base64.b64encode(bomb()).decode()


FOREIGN = {"issuer": idp_b().entity_id}
FORGED: dict[str, Callable[[], Inbound]] = {
    "I1 unsigned": lambda: post(posted(ask().markup(), None)),
    "I1 tampered": lambda: post(tampered(posted(ask().markup(), key("idp-a")))),
    "I1 attacker's key": lambda: signed_by("attacker"),
    "I2 garbage": lambda: with_part("Signature", "AAAA"),
    "I2 attacker's key": lambda: get(redirected("SAMLRequest", ask().markup(), key("attacker"))),
    "I2 of another message": lambda: with_part("SAMLRequest", quoted(deflate(ask(name_id="admin@corp.example").markup().encode()))),
    "I3 no signature": lambda: get(redirected("SAMLRequest", ask().markup(), None)),
    "I3 signed inside, not in the query": lambda: get(redirected("SAMLRequest", posted(ask().markup(), key("idp-a")).decode(), None)),
    "I4 signed by B as A": lambda: signed_by("idp-b"),
    "I4 signed by B as B": lambda: signed_by("idp-b", **FOREIGN),
    "I4 signed by A as B": lambda: signed_by("idp-a", **FOREIGN),
    "I4 by redirect": lambda: get(redirected("SAMLRequest", ask(**FOREIGN).markup(), key("idp-b"))),
    "I6 expired": lambda: by_post(lifetime=timedelta(minutes=-10)),
    "I6 destination": lambda: by_post(destination="https://evil.example/saml2/logout"),
    "I6 no destination": lambda: post(posted(ask().markup(), key("idp-a"), put(".", "Destination", None))),
    "I6 future": lambda: by_post(now=NOW + timedelta(minutes=30)),
    "I6 long ago": lambda: by_post(now=NOW - timedelta(days=2), lifetime=None),
    "I6 version": lambda: post(posted(ask().markup(), key("idp-a"), put(".", "Version", "1.1"))),
    "I6 by redirect expired": lambda: by_redirect(lifetime=timedelta(minutes=-10)),
    "I5 empty name": lambda: by_post(name_id=""),
    "I5 no name": lambda: post(posted(ask().markup(), key("idp-a"), lambda root: root.remove(n.find(root, "saml:NameID")))),
    "I5 two names": lambda: post(posted(ask().markup(), key("idp-a"), lambda root: root.append(n.xml("<saml:NameID>x</saml:NameID>")))),
    "I5 encrypted name": lambda: post(posted(ask().markup(), key("idp-a"), swap("saml:NameID", "<saml:EncryptedID/>"))),
    "I5 comment in the name": lambda: post(posted(ask().markup(), key("idp-a")).replace(b"alice@corp.", b"alice@corp<!-- -->.")),
    "I9 doctype": lambda: post(b"<!DOCTYPE x>" + posted(ask().markup(), key("idp-a"))),
    "I9 entity": lambda: post(b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>' + posted(ask().markup(), None)),
    "H9 response too": lambda: get(join(parts()) + "&SAMLResponse=" + quoted(deflate(b"<x/>"))),
    "H9 response first": lambda: get("SAMLResponse=" + quoted(deflate(b"<x/>")) + "&" + join(parts())),
    **{f"H10 {name} twice": functools.partial(doubled, name) for name in ("SAMLRequest", "RelayState", "SigAlg", "Signature")},
    "H10 reordered and signed so": reordered,
    "H10 disguised": disguised,
    "H10 case of a name": lambda: get(join(parts()).replace("SAMLRequest=", "samlrequest=")),
    "H10 relay state changed": lambda: with_part("RelayState", "other"),
    "H10 relay state taken away": lambda: without("RelayState"),
    "H10 relay state added": lambda: get(join([*parts(relay_state=None), ("RelayState", "x")])),
    "H11 no algorithm": lambda: without("SigAlg"),
    "H11 no signature": lambda: without("Signature"),
    "H11 neither": lambda: get(join([part for part in parts() if part[0] not in ("SigAlg", "Signature")])),
    "H11 empty signature": lambda: with_part("Signature", ""),
    "H11 sha1": lambda: signed_as(n.RSA_SHA1, sha1_signer()),
    "H11 hmac": lambda: signed_as(n.DSIG_MORE + "hmac-sha256", hmac_signer(key("idp-a").certificate_pem.encode(), "sha256")),
    "H11 unknown": lambda: signed_as("urn:evil:none", lambda octets: b""),
    "H11 empty algorithm": lambda: signed_as("", lambda octets: b""),
    "H12 encoding": lambda: get(join([*parts(), ("SAMLEncoding", "urn:evil:encoding")])),
    "H14 response at the request's place": lambda: post(posted(LogoutReply(idp_a().entity_id, SLO, NOW, "_x").markup(), key("idp-a"))),
    "H14 authn request": lambda: post(n.serialize(leaving().asked.root)),
    "H14 login response": lambda: post(Scene(leaving(), "G-B").document),
    "H14 login response as such": lambda: post(Scene(leaving(), "G-B").document, "SAMLResponse"),
    "H15 nothing": lambda: Inbound("POST", SLO),
    "H15 get of a post": lambda: replace(by_post(), method="GET"),
    "H15 query of a redirect by post": lambda: replace(by_redirect(), method="POST"),
}


@rows("I1", "I2", "I3", "I4", "I5", "I6", "I9", "H9", "H10", "H11", "H12", "H14", "H15")
@pytest.mark.parametrize("which", FORGED)
def test_a_logout_request_that_is_not_the_providers_ends_nothing(which: str) -> None:
    check_refused(FORGED[which]())


@rows("H10")
@pytest.mark.parametrize("how", ["lower-case hex", "plus for space", "more parameters"])
def test_a_signature_is_over_the_octets_as_sent(how: str) -> None:
    """The IdP may encode as it likes, so long as it signs what it sends."""
    import base64
    import re

    query = parts()[:-1]
    if how == "lower-case hex":
        query = [(name, re.sub("%..", lambda found: found[0].lower(), value)) for name, value in query]
    elif how == "plus for space":
        query = [(name, "relay+1" if name == "RelayState" else value) for name, value in query]
    signature = base64.b64encode(rsa_signer(key("idp-a"))(join(query).encode())).decode()
    sent = [*query, ("Signature", quoted(signature))]
    if how == "more parameters":
        sent = [("lang", "en"), *sent, ("lang", "de")]
    check_twin(received(get(join(sent))))
    recoded = join([(name, quoted(urllib.parse.unquote_plus(value)).replace("%2F", "%2f")) for name, value in sent])
    assert recoded != join(sent)
    outcome = received(get(recoded))
    if how != "more parameters":
        assert isinstance(outcome, ProviderError), "a query encoded anew verified all the same"


COSTLY: dict[str, Callable[[], Inbound]] = {
    "H1 bomb": lambda: with_part("SAMLRequest", quoted(small_bomb())),
    "H1 bomb, unsigned": lambda: get("SAMLRequest=" + quoted(small_bomb())),
    "H1 bomb, truly signed": lambda: get(redirected("SAMLRequest", "<x>" + "A" * (20 << 20) + "</x>", key("idp-a"))),
    "I9 10 MB": lambda: post(posted(ask(name_id="a" * (10 << 20)).markup(), None)),
    "I9 bomb by post": lambda: Inbound("POST", SLO, form=(("SAMLRequest", small_bomb()),)),
    "I9 many indexes": lambda: by_post(session_indexes=[f"_s{i}" for i in range(100_000)]),
}


@rows("H1", "I9")
@pytest.mark.parametrize("which", COSTLY)
def test_a_costly_logout_request_is_refused_cheaply(which: str) -> None:
    message = COSTLY[which]()
    with bounded():
        outcome = received(message)
    assert isinstance(outcome, ProviderError), outcome
    refused(Scene(leaving(), "G-B"), outcome)
    check_twin(received(by_post()))


@rows("I5")
def test_another_kind_of_name_is_another_subject() -> None:
    for changes in (
        {"name_id_format": n.FORMAT_PERSISTENT},
        {"name_id_format": None},
        {"name_id_extra": (("NameQualifier", "https://other.example/"),)},
        {"name_id_extra": (("SPNameQualifier", "urn:other:sp"),)},
        {"name_id": "Alice@corp.example"},
        {"name_id": "admin@corp.example"},
    ):
        notice = received(by_post(**changes))
        if isinstance(notice, LogoutNotice):
            assert notice.subject_key != subject_key(), changes
    check_twin(received(by_post()))


@rows("I5")
def test_session_indexes_are_handed_on_as_they_are_and_bounded() -> None:
    foreign = received(by_post(session_indexes=("_foreign",)))
    assert isinstance(foreign, LogoutNotice)
    assert foreign.session_indexes == ("_foreign",)
    none = received(by_post(session_indexes=()))
    assert isinstance(none, LogoutNotice)
    assert none.session_indexes == ()
    with bounded():
        many = received(by_post(session_indexes=[f"_s{i}" for i in range(1000)]))
    if isinstance(many, ProviderError):
        refused(Scene(leaving(), "G-B"), many)
    else:
        assert len(many.session_indexes) == 1000


@rows("I6")
def test_a_replayed_request_burns_the_same_key_until_it_has_expired() -> None:
    first, again = received(by_post()), received(by_post())
    other = received(by_post(message_id="_lr2"))
    assert isinstance(first, LogoutNotice)
    assert isinstance(again, LogoutNotice)
    assert isinstance(other, LogoutNotice)
    assert {burn.key for burn in first.burns} == {burn.key for burn in again.burns} != set()
    assert not {burn.key for burn in first.burns} & {burn.key for burn in other.burns}
    assert max(burn.until for burn in first.burns) >= NOW + timedelta(minutes=5)


@dataclass(frozen=True)
class Begun:
    """A logout that we began."""

    memo: bytes
    request_id: str


@functools.cache
def begun() -> Begun:
    start = leaving().provider.start_logout(session(), "handle-of-logout", SLO)
    assert start is not None
    read = read_request(start)
    return Begun(start.memo, read.request_id)


def finished(message: Inbound) -> ProviderError | None:
    try:
        leaving().provider.finish_logout(begun().memo, message)
    except ProviderError as error:
        return error
    return None


def reply(signed_with: str | None = "idp-a", edit: object = None, **changes: object) -> Inbound:
    made = replace(LogoutReply(idp_a().entity_id, SLO, NOW, begun().request_id), **changes)  # type: ignore[arg-type]
    return post(posted(made.markup(), key(signed_with) if signed_with else None, edit), "SAMLResponse")  # type: ignore[arg-type]


def reply_by_redirect(signed_with: str | None) -> Inbound:
    markup = LogoutReply(idp_a().entity_id, SLO, NOW, begun().request_id).markup()
    return get(redirected("SAMLResponse", markup, key(signed_with) if signed_with else None))


WRONG_REPLIES: dict[str, Callable[[], Inbound]] = {
    "unsolicited": lambda: reply(in_response_to=None),
    "wrong request": lambda: reply(in_response_to="_nobody_asked"),
    "unsigned": lambda: reply(signed_with=None),
    "attacker's key": lambda: reply(signed_with="attacker"),
    "another idp": lambda: reply(signed_with="idp-b", issuer=idp_b().entity_id),
    "another idp as ours": lambda: reply(signed_with="idp-b"),
    "issuer of another": lambda: reply(issuer=idp_b().entity_id),
    "destination": lambda: reply(destination="https://evil.example/"),
    "old": lambda: reply(now=NOW - timedelta(days=1)),
    "future": lambda: reply(now=NOW + timedelta(minutes=30)),
    "tampered": lambda: reply(edit=words("saml:Issuer", idp_b().entity_id)),
    "a login response": lambda: post(Scene(leaving(), "G-B").document, "SAMLResponse"),
    "a request": lambda: post(posted(ask().markup(), key("idp-a"))),
    "unsigned by redirect": lambda: reply_by_redirect(None),
    "attacker by redirect": lambda: reply_by_redirect("attacker"),
}


@rows("I7")
@pytest.mark.parametrize("which", WRONG_REPLIES)
def test_a_logout_response_that_is_not_the_answer_changes_nothing(which: str) -> None:
    outcome = finished(WRONG_REPLIES[which]())
    assert outcome is not None, "taken for the answer"
    refused(Scene(leaving(), "G-B"), outcome)
    assert finished(reply()) is None
    assert finished(reply_by_redirect("idp-a")) is None


@rows("I4")
def test_our_logout_request_is_signed_and_names_this_session_only() -> None:
    start = leaving().provider.start_logout(session(), "handle-of-logout", SLO)
    assert start is not None
    read = read_request(start)
    assert n.find(read.root, "saml:NameID").text == "alice@corp.example"
    assert [found.text for found in n.find_all(read.root, "samlp:SessionIndex")] == ["_s1"]
    assert "Signature" in read.parameters or n.find(read.root, "ds:Signature") is not None
    assert read.relay_state == "handle-of-logout"


@rows("I8", "I10")
def test_the_answer_to_a_logout_request_goes_to_the_providers_own_address() -> None:
    """Never to an address that came in with the message."""
    evil = get(join(parts(relay_state=quoted(LATER))))
    notice = received(evil)
    if isinstance(notice, LogoutNotice) and notice.reply is not None:
        target = urllib.parse.urlsplit(notice.reply.url)
        assert f"{target.scheme}://{target.netloc}{target.path}" == idp_a().slo_url
    honest(Scene(leaving(), "G-B"), outcome_of(leaving(), Scene(leaving(), "G-B").document))
