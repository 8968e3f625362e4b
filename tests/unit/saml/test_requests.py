"""What we send: AuthnRequests in both bindings, signed in process by our own backend."""

from __future__ import annotations

import base64
import os
import urllib.parse
from typing import Any

import pytest

from metadata.saml.query import read_query
from metadata.saml.signature import is_signed, verify
from metadata.saml.xml import parse
from providers.base import LoginAsk
from providers.errors import ProviderMisconfigured, ResponseInvalid
from providers.saml.backend import SignerBackend, XmlsecBackend, client_for
from providers.saml.memo import Memo
from tests.fakes import saml_names as n
from tests.fakes.saml_keys import key
from tests.unit.saml.stage import ACS, ENTITY, NOW, Stage, idp, pair

OURS = [key("unit-sp-signing").certificate_pem]


def test_the_backend_of_pysaml2_is_ours() -> None:
    """Without the swap pysaml2 would look for a module or a program that is not there, or start a process for each signature."""
    client = client_for(ENTITY, ACS, pair(key("unit-sp-signing")))
    assert isinstance(client.sec.crypto, XmlsecBackend)
    assert isinstance(client.sec.sec_backend, SignerBackend)
    assert client.metadata is None


@pytest.mark.parametrize("what", ["validate_signature", "decrypt", "encrypt", "encrypt_assertion"])
def test_nothing_is_verified_or_decrypted_by_pysaml2(what: str) -> None:
    with pytest.raises(ResponseInvalid) as caught:
        getattr(client_for(ENTITY, ACS, pair(key("unit-sp-signing"))).sec.crypto, what)("<Response/>")
    assert caught.value.reason == "read_by_pysaml2"


def test_signing_needs_no_program(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*args: object, **kwargs: object) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(os, "posix_spawn", never)
    monkeypatch.setattr("subprocess.Popen", never)
    client_for.cache_clear()
    for binding in ("redirect", "post"):
        assert Stage({"request_binding": binding}).start.url.startswith(idp().sso_url)


def test_a_redirect_is_signed_over_its_query() -> None:
    start = Stage().start
    assert start.method == "redirect"
    message = read_query(urllib.parse.urlsplit(start.url).query, OURS)
    assert message.signed
    assert message.relay_state == "handle-1"
    assert not is_signed(parse(message.xml))


def test_a_form_is_signed_inside() -> None:
    start = Stage({"request_binding": "post"}).start
    assert start.method == "form_post"
    assert start.url == idp().sso_url
    assert start.fields["RelayState"] == "handle-1"
    root = parse(base64.b64decode(start.fields["SAMLRequest"]))
    assert parse(verify(root, OURS).data).get("ID") == Memo.load(start.memo).request_id


def test_an_elliptic_key_signs_too() -> None:
    changes = {"signing_key": pair(key("unit-ec256", "ec256"))}
    start = Stage(changes=changes).start
    assert read_query(urllib.parse.urlsplit(start.url).query, [key("unit-ec256", "ec256").certificate_pem]).signed
    start = Stage({"request_binding": "post"}, changes).start
    assert verify(parse(base64.b64decode(start.fields["SAMLRequest"])), [key("unit-ec256", "ec256").certificate_pem])


def test_what_a_request_says() -> None:
    stage = Stage(
        {"name_id_format": n.FORMAT_EMAIL, "authn_context": "urn:a urn:b", "authn_context_comparison": "minimum"},
        ask={"prompt": ("login",)},
    )
    root = stage.asked.root
    assert root.get("Destination") == idp().sso_url
    assert root.get("IssueInstant") == NOW.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert root.get("AssertionConsumerServiceURL") == ACS
    assert root.get("ForceAuthn") == "true"
    assert root.get("IsPassive") is None
    assert n.find(root, "saml:Issuer").text == ENTITY
    assert n.find(root, "samlp:NameIDPolicy").get("Format") == n.FORMAT_EMAIL
    context = n.find(root, "samlp:RequestedAuthnContext")
    assert context.get("Comparison") == "minimum"
    assert [child.text for child in context] == ["urn:a", "urn:b"]


@pytest.mark.parametrize(
    ("options", "prompt"),
    [
        ({}, ()),
        ({"name_id_format": n.FORMAT_TRANSIENT}, ("none",)),
        ({"name_id_format": 'urn:odd:"&<\t', "authn_context": "urn:a urn:b&c", "authn_context_comparison": "minimum"}, ("login",)),
    ],
)
def test_a_request_says_what_pysaml2_would_say(options: dict[str, Any], prompt: tuple[str, ...]) -> None:
    """An independent writer of the same message: same elements, attributes and texts in the same order."""
    asked = Stage(options, ask={"prompt": prompt}).asked
    context = {"authn_context_class_ref": options["authn_context"].split(), "comparison": "minimum"} if "authn_context" in options else None
    theirs = client_for(ENTITY, ACS, None).create_authn_request(
        idp().sso_url, binding=n.POST, message_id=asked.request_id, sign=False, assertion_consumer_service_url=ACS,
        nameid_format=options.get("name_id_format"), issue_instant=NOW.strftime("%Y-%m-%dT%H:%M:%SZ"),
        allow_create=None if options.get("name_id_format") == n.FORMAT_TRANSIENT else "true",
        **({"force_authn": "true"} if "login" in prompt else {}), **({"is_passive": "true"} if "none" in prompt else {}),
        **({"requested_authn_context": context} if context else {}),
    )[1]  # fmt: skip
    told = [[(each.tag, dict(each.attrib), each.text) for each in root.iter()] for root in (asked.root, parse(str(theirs).encode()))]
    assert told[0] == told[1]


def test_prompt_none_is_passive_and_max_age_forces() -> None:
    assert Stage(ask={"prompt": ("none",)}).asked.root.get("IsPassive") == "true"
    assert Stage(ask={"max_age": 60}).asked.root.get("ForceAuthn") == "true"


def test_unsigned_only_where_nobody_wants_a_signature() -> None:
    assert "Signature" not in Stage({"sign_requests": False}).asked.parameters
    wants = idp().metadata().replace("<md:IDPSSODescriptor ", '<md:IDPSSODescriptor WantAuthnRequestsSigned="true" ')
    assert "Signature" in Stage({"sign_requests": False, "metadata": wants}).asked.parameters


def test_a_location_with_a_query_is_continued() -> None:
    location = "https://idp.example/sso?tenant=1"
    start = Stage({"metadata": idp().metadata().replace(idp().sso_url, location)}).start
    assert start.url.startswith(location + "&SAMLRequest=")


def test_a_foreign_callback_is_refused() -> None:
    stage = Stage()
    with pytest.raises(ProviderMisconfigured) as caught:
        stage.provider.start(LoginAsk("h", "https://evil.example/acs"))
    assert caught.value.reason == "callback_url_unknown"


def test_the_binding_that_is_not_there() -> None:
    only_redirect = idp().metadata().replace("HTTP-POST", "PAOS")
    with pytest.raises(ProviderMisconfigured) as caught:
        Stage({"request_binding": "post", "metadata": only_redirect})
    assert caught.value.reason == "no_sso_binding"


@pytest.mark.parametrize("memo", [b"", b"{}", b"[]", b'{"nonce":"x"}', b"\xff"])
def test_a_memo_of_others_is_refused(memo: bytes) -> None:
    with pytest.raises(ResponseInvalid) as caught:
        Memo.load(memo)
    assert caught.value.reason == "memo_invalid"


def test_a_memo_of_a_logout_is_none_of_a_login() -> None:
    memo = Memo("_1", "urn:x", ACS, NOW, kind="logout")
    assert Memo.load(memo.dump(), "logout") == memo
    with pytest.raises(ResponseInvalid):
        Memo.load(memo.dump())


def test_requests_are_never_alike() -> None:
    stage = Stage()
    other = stage.provider.start(LoginAsk("handle-2", ACS))
    assert Memo.load(other.memo).request_id != stage.asked.request_id
