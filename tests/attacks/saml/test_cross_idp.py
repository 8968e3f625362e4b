"""SAML-K: one identity provider never speaks for another, nor to another tenant."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from providers.errors import ProviderError
from tests.attacks.saml.edits import ISSUER_OF_ASSERTION, ISSUER_OF_RESPONSE, words
from tests.attacks.saml.oracle import Case, check, honest, outcome_of, over, refused, rows
from tests.attacks.saml.ring import ACS, ENTITY, OTHER_ACS, SLO, Ring, Scene, idp_b, inbound, ring
from tests.attacks.saml.tearing import Element, assertion_of
from tests.fakes import saml_names as n
from tests.fakes.saml_forge import HONEST, Attribute, IdpBox
from tests.fakes.saml_keys import key
from tests.fakes.saml_seal import encrypt_element
from tests.fakes.saml_sign import sign

A, B = "https://idp-a.example/metadata", "https://idp-b.example/metadata"


def issued(response: str, assertion: str, response_key: str | None, assertion_key: str | None) -> Callable[[Scene], Element]:
    """A message whose two issuers and two signatures are given one by one."""

    def craft(scene: Scene) -> Element:
        root = scene.unsigned()
        words(ISSUER_OF_RESPONSE, response)(root)
        words(ISSUER_OF_ASSERTION, assertion)(root)
        inner = assertion_of(root)
        if assertion_key:
            sign(inner, key(assertion_key))
        if scene.base in ("G-E", "G-EA"):
            encrypt_element(inner, scene.idp.seal())
        if response_key:
            sign(root, key(response_key))
        return root

    return craft


BOTH_FORMS = ("G-B", "G-E")
CASES = [
    Case("K2", "", issued(A, B, None, "idp-b"), BOTH_FORMS),
    Case("K3", "", issued(B, A, "idp-b", None), BOTH_FORMS),
    Case("K3", "claiming to be A", issued(A, A, "idp-b", None), BOTH_FORMS),
    Case("K4", "", issued(A, B, "idp-a", None), BOTH_FORMS),
    Case("K5", "issuers as signed", issued(A, B, "idp-a", "idp-b"), BOTH_FORMS),
    Case("K5", "both say A", issued(A, A, "idp-a", "idp-b"), BOTH_FORMS),
    Case("K5", "the other way round", issued(A, A, "idp-b", "idp-a"), BOTH_FORMS),
    Case("K6", "", issued(A, A, "idp-b", "idp-b"), BOTH_FORMS),
    Case("K6", "response alone", issued(A, A, "idp-b", None), BOTH_FORMS),
    Case("K6", "assertion alone", issued(A, A, None, "idp-b"), BOTH_FORMS),
    Case("K7", "", issued(B, B, "idp-b", "idp-b"), BOTH_FORMS),
]


@over(CASES)
def test_the_provider_that_was_asked_signs_for_itself_alone(case: Case) -> None:
    check(case)


@rows("K8")
def test_two_tenants_of_one_provider_take_only_what_is_meant_for_each() -> None:
    mine = ring()
    changes = {"pool_id": "eu-west-1_Globex", "provider_id": "prov-g", "entity_id": ENTITY + "-globex", "callback_urls": (OTHER_ACS,)}
    theirs = Ring(changes=changes)
    scene = Scene(mine, "G-B")
    for_them = theirs.idp.respond(theirs.answer(), "G-B")
    for_us_at_them = replace_callback(theirs, scene.document)
    refused(scene, for_us_at_them)
    refused(scene, outcome_of(mine, for_them))
    honest(scene, outcome_of(mine, scene.document))
    honest(Scene(theirs, "G-B"), replace_callback(theirs, for_them))


def replace_callback(found: Ring, document: bytes) -> object:
    """What that ring's reader says to a document at its own address."""
    try:
        return found.provider.finish(found.memo, replace(inbound(document), callback_url=found.provider.spec.callback_urls[0]))
    except ProviderError as error:
        return error


@rows("K9")
def test_attributes_named_like_our_own_words_stay_attributes() -> None:
    names = ("sub", "subject", "issuer", "provider_id", "email_verified", "cognito:groups", "custom:tenant_id", "role", "pool_id", "acr")
    attributes = (*HONEST, *(Attribute(name, ("root",)) for name in names))
    scene = Scene(ring(), "G-B", {"attributes": attributes})
    outcome = outcome_of(scene.ring, scene.document)
    honest(scene, outcome)
    plain = scene.ring.finish(Scene(ring(), "G-B").document)
    for field in ("subject", "subject_key", "issuer", "provider_id", "acr", "amr", "transient"):
        assert getattr(outcome, field) == getattr(plain, field)


@rows("K13")
def test_a_recycled_address_is_a_new_person() -> None:
    def of(name: str) -> str:
        scene = Scene(ring(), "G-B", {"name_id": name, "name_id_format": n.FORMAT_PERSISTENT})
        return scene.ring.finish(scene.document).subject_key

    assert of("persistent-1") != of("persistent-2")


@rows("K14")
@pytest.mark.parametrize(
    "where",
    [{"entity_id": ENTITY}, {"sso": ACS}, {"slo": SLO}],
    ids=["our entity id", "our callback", "our logout"],
)
def test_the_broker_is_not_its_own_identity_provider(where: dict[str, str]) -> None:
    loop = replace(IdpBox(A, key("idp-a"), key("sp-decryption")), **where)
    with pytest.raises(ProviderError) as caught:
        Ring(idp=loop)
    refused(Scene(ring(), "G-B"), caught.value)


@rows("K15")
def test_an_error_page_shows_nothing_of_anyone() -> None:
    """The public half is fixed text: no name, no address, no attribute of whoever's message it was."""
    scene = Scene(ring(), "G-B")
    told = set()
    for message in (
        scene.signed(audience="urn:globex:secret"),
        scene.signed(issuer=idp_b().entity_id),
        idp_b().respond(replace(scene.answer, issuer=idp_b().entity_id), "G-B"),
        b"<x/>",
    ):
        outcome = outcome_of(scene.ring, message)
        refused(scene, outcome)
        told.add(outcome.public)  # type: ignore[union-attr]
    for text in told:
        assert not any(word in text for word in ("globex", "idp-", "alice", "AcmeIdP", "eu-west", "urn:", "http"))
    honest(scene, outcome_of(scene.ring, scene.document))
