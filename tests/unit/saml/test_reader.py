"""The strict reader on honest messages: every policy, every cipher, and what an identity holds."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from lxml import etree

from metadata.saml.names import NAME_ID_PERSISTENT, NAME_ID_TRANSIENT
from metadata.saml.xml import parse
from providers.errors import ProviderMisconfigured, ResponseInvalid, UpstreamRefused
from providers.saml.checks.attributes import read_attributes
from providers.saml.reader import ASSERTION_CHECKS, ENVELOPE_CHECKS, FAILURE_SECONDS
from tests.fakes import saml_names as n
from tests.fakes import saml_seal as seal
from tests.fakes.saml_forge import Attribute, Base
from tests.fakes.saml_keys import key
from tests.fakes.saml_sign import sign
from tests.unit.saml.stage import ACS, ENTITY, NOW, Stage, idp, pair, posted

TAKES: dict[str, set[Base]] = {
    "assertion": {"G-A", "G-B", "G-E", "G-EA"},
    "response": {"G-R", "G-B", "G-E"},
    "both": {"G-B", "G-E"},
    "either": {"G-R", "G-A", "G-B", "G-E", "G-EA"},
}


@pytest.mark.parametrize("base", ["G-R", "G-A", "G-B", "G-E", "G-EA", "none"])
@pytest.mark.parametrize("policy", TAKES)
def test_the_signature_policy(policy: str, base: Base) -> None:
    stage = Stage({"signature_policy": policy})
    document = stage.respond(base)
    if base in TAKES[policy]:
        assert stage.finish(document).subject == "alice@corp.example"
        return
    with pytest.raises(ResponseInvalid) as caught:
        stage.finish(document)
    assert caught.value.reason.endswith("signature_missing")


def test_what_an_identity_holds() -> None:
    stage = Stage()
    identity = stage.finish(stage.respond("G-B"))
    assert identity.issuer == idp().entity_id
    assert identity.subject_key == f'["{n.FORMAT_EMAIL}","","","alice@corp.example"]'
    assert identity.attributes == {
        "email": "alice@corp.example",
        "groups": ["staff", "readers"],
        "urn:oid:2.5.4.42": "Alice",
        "NameID": "alice@corp.example",
    }
    assert identity.authenticated_at == NOW - timedelta(seconds=5)
    assert identity.acr == n.PASSWORD_CONTEXT
    assert identity.session.session_index == "_s1"
    assert identity.session.not_on_or_after == NOW + timedelta(hours=8)
    assert identity.session.name_id == {"value": "alice@corp.example", "format": n.FORMAT_EMAIL}
    assert [note.split()[0] for note in identity.notes] == ["response", "assertion"]
    evidence = parse(identity.evidence)
    assert evidence.get("ID") == "_a1"
    assert b"Signature" not in identity.evidence


def test_the_burns_outlive_the_message() -> None:
    stage = Stage({"idp_initiated": True})
    assertion, request = stage.finish(stage.respond("G-B")).burns
    assert assertion.until > NOW + timedelta(minutes=5) + timedelta(seconds=60)
    assert request.until >= NOW + timedelta(minutes=5)
    assert not assertion.durable
    (alone,) = stage.finish(stage.respond("G-B", in_response_to=None), memo=False).burns
    assert alone.durable
    assert alone.key == assertion.key
    assert Stage(changes={"pool_id": "other"}).finish(stage.respond("G-B")).burns[0].key != assertion.key


def test_an_end_in_the_year_9999_is_no_overflow() -> None:
    stage = Stage()
    identity = stage.finish(stage.respond("G-B", lifetime=datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC) - NOW))
    assert identity.burns[0].until < NOW + timedelta(days=2)


CIPHERS = [seal.AES128_GCM, seal.AES256_GCM, f"{n.XENC}aes128-cbc", seal.AES256_CBC]


def sealed(stage: Stage, **how: object) -> bytes:
    root = n.parse(stage.answer().response().encode())
    assertion = n.find(root, "saml:Assertion")
    sign(assertion, key("unit-idp"))
    seal.encrypt_element(assertion, seal.Seal(key("unit-sp-decryption"), **how))  # type: ignore[arg-type]
    return etree.tostring(root)


@pytest.mark.parametrize("cipher", [cipher for cipher in CIPHERS if cipher in seal.KEY_SIZES])
@pytest.mark.parametrize("inline", [True, False])
def test_ciphers(cipher: str, inline: bool) -> None:
    stage = Stage({"want_encrypted": True})
    assert stage.finish(sealed(stage, cipher=cipher, inline=inline)).subject == "alice@corp.example"


def test_oaep_of_2009_with_sha256() -> None:
    stage = Stage()
    assert stage.finish(sealed(stage, transport=seal.RSA_OAEP_11, oaep_digest=n.SHA256))


@pytest.mark.parametrize("how", [{"transport": seal.RSA_1_5}, {"cipher": seal.TRIPLEDES_CBC}], ids=str)
def test_old_encryption_is_refused(how: dict[str, str]) -> None:
    stage = Stage()
    with pytest.raises(ResponseInvalid) as caught:
        stage.finish(sealed(stage, **how))
    assert caught.value.reason == "decryption_failed"
    assert "encryption_algorithm" in caught.value.private


def test_cbc_can_be_turned_off() -> None:
    stage = Stage({"allow_aes_cbc": False})
    with pytest.raises(ResponseInvalid):
        stage.finish(sealed(stage, cipher=seal.AES256_CBC))
    assert stage.finish(sealed(stage))


def test_a_rolled_over_decryption_key_still_opens() -> None:
    stage = Stage(changes={"decryption_keys": (pair(key("unit-other")), pair(key("unit-sp-decryption")))})
    assert stage.finish(stage.respond("G-EA"))


def test_every_failure_of_decryption_is_one_and_takes_as_long() -> None:
    stage = Stage(changes={"decryption_keys": (pair(key("unit-other")),)})
    for document in (stage.respond("G-EA"), sealed(stage, cipher=seal.AES256_CBC)):
        started = time.monotonic()
        with pytest.raises(ResponseInvalid) as caught:
            stage.finish(document)
        assert caught.value.reason == "decryption_failed"
        assert time.monotonic() - started >= FAILURE_SECONDS


def test_a_plain_assertion_where_an_encrypted_one_is_wanted() -> None:
    stage = Stage({"want_encrypted": True})
    with pytest.raises(ResponseInvalid) as caught:
        stage.finish(stage.respond("G-B"))
    assert caught.value.reason == "assertion_not_encrypted"


def test_namespaces_declared_around_the_encryption_are_kept() -> None:
    """Some IdPs encrypt the element without the declarations that stand on the Response."""
    stage = Stage()
    root = n.parse(stage.answer().response().encode())
    assertion = n.find(root, "saml:Assertion")
    plain = etree.tostring(assertion).replace(f' xmlns:saml="{n.SAML}"'.encode(), b"").replace(f' xmlns:samlp="{n.SAMLP}"'.encode(), b"")
    root.replace(assertion, seal.encrypt(plain, seal.Seal(key("unit-sp-decryption"))))
    sign(root, key("unit-idp"))
    assert stage.finish(root).subject == "alice@corp.example"


def test_the_idp_said_no() -> None:
    stage = Stage()
    with pytest.raises(UpstreamRefused) as caught:
        stage.finish(stage.respond("G-R", status="Responder"))
    assert caught.value.error == "Responder"


def test_the_metadata_ends_at_that_second() -> None:
    until = (NOW + timedelta(seconds=30)).strftime("%Y-%m-%dT%H:%M:%SZ")
    stage = Stage({"metadata": idp().metadata().replace("entityID=", f'validUntil="{until}" entityID=')})
    document = stage.respond("G-B")
    stage.clock.now = NOW + timedelta(seconds=29)
    assert stage.finish(document)
    stage.clock.now = NOW + timedelta(seconds=30)
    with pytest.raises(ProviderMisconfigured) as caught:
        stage.finish(document)
    assert caught.value.reason == "metadata_expired"


@pytest.mark.parametrize(("options", "good"), [
    ({"authn_context": n.PASSWORD_CONTEXT}, True),
    ({"authn_context": "urn:strong"}, False),
    ({"authn_context": "urn:strong", "authn_context_comparison": "minimum"}, False),
    ({"authn_context": "urn:weak", "authn_context_comparison": "minimum", "authn_context_accept": n.PASSWORD_CONTEXT}, True),
    ({"authn_context": n.PASSWORD_CONTEXT, "authn_context_comparison": "better", "authn_context_accept": "urn:x"}, False),
])  # fmt: skip
def test_the_authn_context_is_demanded(options: dict[str, str], good: bool) -> None:
    stage = Stage(options)
    if good:
        assert stage.finish(stage.respond("G-B")).acr == n.PASSWORD_CONTEXT
        return
    with pytest.raises(ResponseInvalid) as caught:
        stage.finish(stage.respond("G-B"))
    assert caught.value.reason == "authn_context_weaker"


@pytest.mark.parametrize("how", [{"prompt": ("login",)}, {"max_age": 0}], ids=str)
def test_a_sign_in_asked_anew_must_be_new(how: dict[str, object]) -> None:
    stage = Stage({"clock_skew_seconds": 0}, ask=how)
    with pytest.raises(ResponseInvalid) as caught:
        stage.finish(stage.respond("G-B"))
    assert caught.value.reason == "force_authn_ignored"
    assert Stage(ask=how).finish(Stage(ask=how).respond("G-B"))


def test_a_persistent_id_has_one_key_however_it_is_qualified() -> None:
    def key_of(*extra: tuple[str, str]) -> str:
        stage = Stage()
        return stage.finish(stage.respond("G-B", name_id="p1", name_id_format=NAME_ID_PERSISTENT, name_id_extra=extra)).subject_key

    plain = key_of()
    assert key_of(("NameQualifier", idp().entity_id), ("SPNameQualifier", ENTITY)) == plain
    assert key_of(("NameQualifier", "urn:other")) != plain
    assert key_of(("SPNameQualifier", "urn:other")) != plain


def test_a_transient_id_says_so() -> None:
    stage = Stage()
    assert stage.finish(stage.respond("G-B", name_id_format=NAME_ID_TRANSIENT)).transient


def test_an_attribute_that_calls_itself_name_id_does_not_count() -> None:
    stage = Stage()
    identity = stage.finish(stage.respond("G-B", attributes=(Attribute("NameID", ("mallory",)),)))
    assert identity.attributes == {"NameID": "alice@corp.example"}
    stage = Stage({"allow_name_id_as_attribute": False})
    assert stage.finish(stage.respond("G-B", attributes=())).attributes == {}


def test_a_name_twice_in_one_statement_adds_its_values() -> None:
    """Keycloak sends each role as an Attribute of its own."""
    stage = Stage()
    twice = (Attribute("Role", ("a",)), Attribute("Role", ("b", "c")))
    assert stage.finish(stage.respond("G-B", attributes=twice)).attributes["Role"] == ["a", "b", "c"]
    with pytest.raises(ResponseInvalid) as caught:
        stage.finish(stage.respond("G-B", attributes=(Attribute("Role", ("a",)), Attribute("Role", ("b",), None))))
    assert caught.value.reason == "attribute_doubled"


def test_an_instance_serves_many_threads() -> None:
    stage = Stage()
    documents = [stage.respond(base) for base in ("G-R", "G-A", "G-B", "G-EA")]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda i: stage.finish(documents[i % 4]).subject, range(200)))
    assert set(found) == {"alice@corp.example"}


def test_every_check_says_what_it_is_for() -> None:
    for check in (*ENVELOPE_CHECKS, *ASSERTION_CHECKS, read_attributes):
        assert check.__doc__


def test_the_wrong_address_of_ours() -> None:
    stage = Stage()
    with pytest.raises(ResponseInvalid) as caught:
        stage.provider.finish(stage.start.memo, posted(stage.respond("G-B"), ACS + "/x"))
    assert caught.value.reason == "callback_mismatch"
