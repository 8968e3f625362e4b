"""Single logout, both ways: nothing without a signature."""

from __future__ import annotations

import base64
import urllib.parse
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from metadata.saml.query import read_query
from metadata.saml.signature import verify
from metadata.saml.xml import parse
from providers.base import Inbound, LoginStart, LogsOut, UpstreamSession
from providers.errors import ProviderError, ResponseInvalid, UpstreamRefused
from providers.saml.logout import peek_issuer
from tests.fakes import saml_names as n
from tests.fakes.saml_forge import form_value
from tests.fakes.saml_keys import key
from tests.fakes.saml_logout import LogoutAsk, LogoutReply, posted, redirected
from tests.unit.saml.stage import ENTITY, NOW, SLO, Stage, idp

OURS = [key("unit-sp-signing").certificate_pem]
SESSION = UpstreamSession(name_id={"value": "alice@corp.example", "format": n.FORMAT_EMAIL}, session_index="_s1")
ASK = LogoutAsk(idp().entity_id, SLO, NOW)


def by_post(document: bytes, name: str = "SAMLRequest") -> Inbound:
    return Inbound("POST", SLO, form=((name, form_value(document)), ("RelayState", "relay-1")))


def by_get(query: str) -> Inbound:
    return Inbound("GET", SLO, query=tuple(urllib.parse.parse_qsl(query)), raw_query=query)


def sent(start: LoginStart) -> Any:
    return parse(read_query(urllib.parse.urlsplit(start.url).query, OURS).xml)


def begin(stage: Stage) -> LoginStart:
    start = stage.provider.start_logout(SESSION, "handle-9", "https://app.example/bye")
    assert start is not None
    return start


def test_our_request_is_signed_and_names_the_session() -> None:
    start = begin(Stage({"sign_out": True}))
    assert read_query(urllib.parse.urlsplit(start.url).query, OURS).signed
    assert "app.example" not in start.url
    root = sent(start)
    assert root.tag == n.q("samlp:LogoutRequest")
    assert n.find(root, "saml:NameID").text == "alice@corp.example"
    assert n.find(root, "saml:NameID").get("Format") == n.FORMAT_EMAIL
    assert n.find(root, "samlp:SessionIndex").text == "_s1"


def test_without_the_setting_or_an_address_there_is_none() -> None:
    assert Stage().provider.start_logout(SESSION, "h", "") is None
    deaf = idp().metadata().replace("SingleLogoutService", "ArtifactResolutionService")
    assert Stage({"sign_out": True, "metadata": deaf}).provider.start_logout(SESSION, "h", "") is None
    assert Stage({"sign_out": True}).provider.start_logout(UpstreamSession(), "h", "") is None


def test_it_is_a_provider_that_logs_out() -> None:
    assert isinstance(Stage().provider, LogsOut)


def reply_to(start: LoginStart, **changes: Any) -> LogoutReply:
    return replace(LogoutReply(idp().entity_id, SLO, NOW, sent(start).get("ID")), **changes)


def test_the_answer_by_both_bindings() -> None:
    stage = Stage({"sign_out": True})
    start = begin(stage)
    markup = reply_to(start).markup()
    for message in (
        by_post(posted(markup, key("unit-idp")), "SAMLResponse"),
        by_get(redirected("SAMLResponse", markup, key("unit-idp"))),
    ):
        assert stage.provider.finish_logout(start.memo, message) is None  # type: ignore[func-returns-value]


BAD_REPLIES = {
    "to another request": ({"in_response_to": "_other"}, "in_response_to_mismatch"),
    "to none": ({"in_response_to": None}, "in_response_to_mismatch"),
    "of another": ({"issuer": "https://b.example"}, "issuer_mismatch"),
    "elsewhere": ({"destination": SLO + "x"}, "destination_mismatch"),
    "old": ({"now": NOW - timedelta(minutes=20)}, "issue_instant_past"),
}


@pytest.mark.parametrize("name", BAD_REPLIES)
def test_an_answer_that_does_not_fit(name: str) -> None:
    changes, reason = BAD_REPLIES[name]
    stage = Stage({"sign_out": True})
    start = begin(stage)
    for message in (
        by_post(posted(reply_to(start, **changes).markup(), key("unit-idp")), "SAMLResponse"),
        by_get(redirected("SAMLResponse", reply_to(start, **changes).markup(), key("unit-idp"))),
    ):
        with pytest.raises(ResponseInvalid) as caught:
            stage.provider.finish_logout(start.memo, message)
        assert caught.value.reason == reason


def test_an_unsigned_answer_and_a_refusal() -> None:
    stage = Stage({"sign_out": True})
    start = begin(stage)
    for message in (
        by_post(posted(reply_to(start).markup(), None), "SAMLResponse"),
        by_get(redirected("SAMLResponse", reply_to(start).markup(), None)),
    ):
        with pytest.raises(ResponseInvalid) as caught:
            stage.provider.finish_logout(start.memo, message)
        assert caught.value.reason == "signature_missing"
    refusal = posted(reply_to(start, status="Responder").markup(), key("unit-idp"))
    with pytest.raises(UpstreamRefused):
        stage.provider.finish_logout(start.memo, by_post(refusal, "SAMLResponse"))


@pytest.mark.parametrize("binding", ["post", "redirect"])
def test_their_request_ends_sessions_and_is_answered(binding: str) -> None:
    stage = Stage()
    if binding == "post":
        notice = stage.provider.receive_logout(by_post(posted(ASK.markup(), key("unit-idp"))))
    else:
        notice = stage.provider.receive_logout(by_get(redirected("SAMLRequest", ASK.markup(), key("unit-idp"))))
    login = stage.finish(stage.respond("G-B"))
    assert notice.subject_key == login.subject_key
    assert notice.session_indexes == ("_s1",)
    assert notice.issuer == idp().entity_id
    assert notice.burns[0].durable
    assert notice.burns[0].until > NOW + timedelta(minutes=5)
    assert notice.reply is not None
    if binding == "post":
        root = parse(verify(parse(base64.b64decode(notice.reply.fields["SAMLResponse"])), OURS).data)
        assert notice.reply.fields["RelayState"] == "relay-1"
    else:
        root = sent(notice.reply)
    assert root.get("InResponseTo") == "_lr1"
    assert n.find(root, "saml:Issuer").text == ENTITY


GARBAGE = "&SigAlg=" + urllib.parse.quote(n.RSA_SHA256) + "&Signature=AAAA"
FORGED = {
    "unsigned": lambda: by_post(posted(ASK.markup(), None)),
    "unsigned by redirect": lambda: by_get(redirected("SAMLRequest", ASK.markup(), None)),
    "another key": lambda: by_post(posted(ASK.markup(), key("unit-other"))),
    "another key by redirect": lambda: by_get(redirected("SAMLRequest", ASK.markup(), key("unit-other"))),
    "garbage": lambda: by_get(redirected("SAMLRequest", ASK.markup(), None) + GARBAGE),
    "old": lambda: by_post(posted(replace(ASK, now=NOW - timedelta(minutes=20)).markup(), key("unit-idp"))),
    "of tomorrow": lambda: by_post(posted(replace(ASK, now=NOW + timedelta(days=1)).markup(), key("unit-idp"))),
    "ended": lambda: by_post(posted(replace(ASK, lifetime=timedelta(minutes=-2)).markup(), key("unit-idp"))),
    "elsewhere": lambda: by_post(posted(replace(ASK, destination=SLO + "x").markup(), key("unit-idp"))),
    "another issuer": lambda: by_post(posted(replace(ASK, issuer="urn:b").markup(), key("unit-idp"))),
    "a thousand sessions": lambda: by_post(posted(replace(ASK, session_indexes=["x"] * 1000).markup(), key("unit-idp"))),
    "no name": lambda: by_post(posted(replace(ASK, name_id="").markup(), key("unit-idp"))),
    "a response": lambda: by_post(posted(LogoutReply(idp().entity_id, SLO, NOW, "_x").markup(), key("unit-idp"))),
}  # fmt: skip


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_request_ends_nothing(name: str) -> None:
    with pytest.raises(ProviderError) as caught:
        Stage().provider.receive_logout(FORGED[name]())
    assert caught.value.reason not in ("provider_error", "response_invalid")


def test_the_sender_can_be_seen_before_there_are_keys() -> None:
    assert peek_issuer(by_post(posted(ASK.markup(), key("unit-idp")))) == idp().entity_id
    assert peek_issuer(by_get(redirected("SAMLRequest", ASK.markup(), key("unit-idp")))) == idp().entity_id
    assert peek_issuer(by_post(b"<x/>")) is None
