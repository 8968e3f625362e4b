"""Metadata of identity providers: what is read, and the sentence an admin gets when it cannot be."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from metadata.errors import DocumentInvalid, SignatureInvalid
from metadata.saml.keys import private_key
from metadata.saml.names import MD
from metadata.saml.parse import Reading, parse_idp
from metadata.saml.publish import SpDescription, sp_metadata
from metadata.saml.signature import verify
from metadata.saml.xml import DOCUMENT, parse
from tests.fakes.saml_forge import IdpBox
from tests.fakes.saml_keys import NOT_AFTER, key
from tests.unit.saml.stage import ACS, ENTITY, NOW, SLO, idp

HOW = Reading(now=NOW)
GOOD = idp().metadata()


def test_what_is_needed_is_read() -> None:
    entity = parse_idp(GOOD, HOW)
    assert entity.entity_id == idp().entity_id
    assert [found.certificate_pem for found in entity.signing_keys] == [key("unit-idp").certificate_pem]
    assert {(found.binding, found.location) for found in entity.sso} == {("redirect", idp().sso_url), ("post", idp().sso_url)}
    assert {found.binding for found in entity.slo} == {"redirect", "post"}
    assert entity.warnings == ()


def test_comments_and_a_pasted_margin_do_no_harm() -> None:
    entity = parse_idp("\n  " + GOOD.replace("<md:IDPSSO", "<!-- ours --><md:IDPSSO") + "\n", HOW)
    assert entity == parse_idp(GOOD, HOW)


SP = sp_metadata(SpDescription(ENTITY, (ACS,)), None).decode().partition("?>")[2]
WRONG = {
    "nothing": ("", "metadata_unparsable"),
    "words": ("please see attached", "metadata_unparsable"),
    "cut off": (GOOD[:-30], "metadata_unparsable"),
    "doctype": ("<!DOCTYPE x>" + GOOD, "metadata_unparsable"),
    "a page": ("<!DOCTYPE html><html></html>", "html_given"),
    "other xml": ("<rss/>", "not_metadata"),
    "of an sp": (SP, "sp_metadata"),
    "no role": (f'<md:EntityDescriptor xmlns:md="{MD}" entityID="urn:x"/>', "no_idp"),
    "a private key": (GOOD + key("unit-idp").private_pem, "private_key_pasted"),
    "no key": (replace(idp(), key=key("unit-idp")).metadata().replace('use="signing"', 'use="encryption"'), "only_encryption_key"),
    "no certificate": (GOOD.replace("ds:X509Certificate>", "ds:X509SubjectName>"), "no_signing_key"),
    "garbage": (GOOD.replace(key("unit-idp").certificate_b64, "AAAA"), "certificate_invalid"),
    "weak": (IdpBox("urn:x:y", key("unit-1024", "rsa1024"), sso="https://x.example/").metadata(), "weak_key"),
    "javascript": (GOOD.replace(idp().sso_url, "javascript:alert(1)"), "location_invalid"),
    "relative": (GOOD.replace(idp().sso_url, "/sso"), "location_invalid"),
    "plain http": (GOOD.replace(idp().sso_url, "http://idp.example/sso"), "location_invalid"),
    "user info": (GOOD.replace(idp().sso_url, "https://a@idp.example/sso"), "location_invalid"),
    "soap only": (GOOD.replace("HTTP-Redirect", "SOAP").replace("HTTP-POST", "PAOS"), "no_sso_binding"),
    "saml 1.1": (GOOD.replace("SAML:2.0:protocol", "SAML:1.1:protocol"), "no_saml2"),
    "expired": (GOOD.replace("entityID=", 'validUntil="2026-05-04T12:00:00Z" entityID='), "metadata_expired"),
    "odd end": (GOOD.replace("entityID=", 'validUntil="soon" entityID='), "valid_until_invalid"),
    "space in the id": (GOOD.replace(idp().entity_id, "urn: x"), "entity_id_invalid"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_used_says_so(name: str) -> None:
    document, code = WRONG[name]
    with pytest.raises(DocumentInvalid) as caught:
        parse_idp(document, HOW)
    assert caught.value.code == code
    assert caught.value.public.endswith(".")


def several(*documents: str) -> str:
    return f'<md:EntitiesDescriptor xmlns:md="{MD}">{"".join(documents)}</md:EntitiesDescriptor>'.replace(' ID="_md1"', "")


def test_one_of_several_by_its_name() -> None:
    other = IdpBox("https://other.example/md", key("unit-other")).metadata()
    assert parse_idp(several(GOOD, SP), HOW).entity_id == idp().entity_id
    with pytest.raises(DocumentInvalid) as caught:
        parse_idp(several(GOOD, other), HOW)
    assert caught.value.code == "several_idps"
    assert parse_idp(several(GOOD, other), replace(HOW, entity_id="https://other.example/md")).sso[0].location.startswith("https://other")
    with pytest.raises(DocumentInvalid) as caught:
        parse_idp(GOOD, replace(HOW, entity_id="https://other.example/md"))
    assert caught.value.code == "entity_id_mismatch"
    with pytest.raises(DocumentInvalid) as caught:
        parse_idp(several(GOOD, GOOD), replace(HOW, entity_id=idp().entity_id))
    assert caught.value.code == "several_idps"


def test_the_earliest_end_counts() -> None:
    inner = GOOD.replace("entityID=", 'validUntil="2026-06-01T00:00:00Z" cacheDuration="PT1S" entityID=')
    outer = several(inner).replace("<md:EntitiesDescriptor ", '<md:EntitiesDescriptor validUntil="2026-05-05T00:00:00Z" ')
    entity = parse_idp(outer, HOW)
    assert entity.valid_until == datetime(2026, 5, 5, tzinfo=UTC)
    assert entity.cache_duration_seconds == 300


def test_the_dates_of_certificates() -> None:
    assert "ends on 2044-01-01" in parse_idp(GOOD, Reading(now=NOT_AFTER - timedelta(days=3))).warnings[0]
    late = Reading(now=NOT_AFTER + timedelta(days=1))
    with pytest.raises(DocumentInvalid) as caught:
        parse_idp(GOOD, late)
    assert caught.value.code == "certificate_expired"
    assert "expired" in parse_idp(GOOD, replace(late, allow_expired=True)).warnings[0]


def test_a_bad_certificate_beside_a_good_one_is_a_warning() -> None:
    entity = parse_idp(replace(idp(), more_keys=(key("unit-1024", "rsa1024"),)).metadata(), HOW)
    assert len(entity.signing_keys) == 1
    assert "too weak" in entity.warnings[0]


def test_a_pinned_certificate_is_held_to() -> None:
    signed = idp().metadata(sign_with=key("unit-anchor"))
    pinned = replace(HOW, pinned_certificate=key("unit-anchor").certificate_pem)
    assert parse_idp(signed, pinned).entity_id == idp().entity_id
    for document in (GOOD, signed.replace(idp().sso_url, "https://evil.example/sso"), idp().metadata(sign_with=key("unit-other"))):
        with pytest.raises(SignatureInvalid):
            parse_idp(document, pinned)


def test_our_own_metadata_is_signed_and_complete() -> None:
    ours, certificate = key("unit-sp-signing"), key("unit-sp-signing").certificate_pem
    about = SpDescription(
        ENTITY, (ACS, ACS + "2"), (SLO,), (certificate, key("unit-other").certificate_pem), (key("unit-sp-decryption").certificate_pem,)
    )  # fmt: skip
    document = sp_metadata(about, private_key(ours.private_pem, certificate))
    assert document == sp_metadata(about, private_key(ours.private_pem, certificate))
    root = parse(verify(parse(document, DOCUMENT), [certificate]).data, DOCUMENT)
    role = root[0]
    assert root.get("entityID") == ENTITY
    found = [(child.tag.partition("}")[2], child.get("use") or child.get("Location") or child.text) for child in role]
    assert [name for name, _ in found] == (
        ["KeyDescriptor"] * 3 + ["SingleLogoutService"] * 2 + ["NameIDFormat"] * 3 + ["AssertionConsumerService"] * 2
    )
    assert [value for _, value in found if value in (ACS, ACS + "2", SLO)] == [SLO, SLO, ACS, ACS + "2"]
