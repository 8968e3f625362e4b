"""SAML-E1 to E9: an answer belongs to one question, asked of one identity provider, a short while ago."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from providers.base import LoginAsk
from providers.errors import ProviderError
from tests.attacks.saml.edits import RESPONSE, SCD, put, said, signed
from tests.attacks.saml.oracle import Case, Outcome, check, honest, outcome_of, over, refused, rows
from tests.attacks.saml.ring import ACS, NOW, Ring, Scene, idp_b, inbound, ring

SP = ("sp/off", "sp/on")
IDP = ("idp/on",)
REPLY = "InResponseTo"
CASES = [
    Case("E1", "both", said(in_response_to="_nobody_asked"), modes=SP),
    Case("E1", "response", signed(put(RESPONSE, REPLY, "_nobody_asked")), modes=SP),
    Case("E2", "", said(in_response_to=None), modes=SP),
    Case("E3", "", signed(put(SCD, REPLY, "_nobody_asked")), modes=SP),
    Case("E4", "", signed(put(SCD, REPLY, None)), modes=SP),
    Case("E4", "the other way round", signed(put(RESPONSE, REPLY, None)), modes=SP),
    Case("E1", "white space", lambda s: s.signed(in_response_to=f" {s.ring.asked.request_id} "), modes=SP),
    Case("E1", "empty", signed(put(RESPONSE, REPLY, ""), put(SCD, REPLY, "")), modes=SP),
    Case("E9", "both", lambda s: s.signed(in_response_to=s.ring.asked.request_id), modes=IDP),
    Case("E9", "unknown", said(in_response_to="_nobody_asked"), modes=IDP),
    Case("E9", "response", signed(put(RESPONSE, REPLY, "_nobody_asked")), modes=IDP),
    Case("E9", "subject", signed(put(SCD, REPLY, "_nobody_asked")), modes=IDP),
    Case("E9", "empty", signed(put(RESPONSE, REPLY, ""), put(SCD, REPLY, "")), modes=IDP),
]


@over(CASES)
def test_an_answer_names_the_request_that_this_login_made(case: Case) -> None:
    check(case)


@rows("E2")
def test_an_answer_that_nobody_asked_for_is_refused_unless_the_operator_allows_it() -> None:
    for policy in ("assertion", "response", "both", "either"):
        allowed, forbidden = ring(policy, True, solicited=False), Ring(policy, False, solicited=False)  # type: ignore[arg-type]
        scene = Scene(allowed, "G-B")
        refused(Scene(forbidden, "G-B"), outcome_of(forbidden, scene.document))
        honest(scene, outcome_of(allowed, scene.document))


@rows("E6")
def test_an_answer_comes_from_the_provider_that_was_asked() -> None:
    scene = Scene(ring(), "G-B")
    theirs = Ring(idp=idp_b(), changes={"provider_id": "prov-b"})
    by_b = idp_b().respond(replace(scene.answer, issuer=idp_b().entity_id), "G-B")
    refused(scene, outcome_of(scene.ring, by_b))
    # B's own reader is handed the memory of a request that went to A: good signature, good issuer, wrong question.
    with pytest.raises(ProviderError) as caught:
        theirs.provider.finish(scene.ring.memo, inbound(by_b))
    refused(scene, caught.value)
    honest(scene, outcome_of(scene.ring, scene.document))


def outcome_with(memo: bytes, scene: Scene) -> Outcome:
    """What the reader says to an honest message, when its memory is this one."""
    try:
        return scene.ring.provider.finish(memo, inbound(scene.document))
    except ProviderError as error:
        return error


@rows("E5", "E7")
def test_the_answer_to_one_login_is_not_the_answer_to_another() -> None:
    scene = Scene(ring(), "G-B")
    second = scene.ring.provider.start(LoginAsk("another-handle-0123456789", ACS))
    refused(scene, outcome_with(second.memo, scene))
    honest(scene, outcome_of(scene.ring, scene.document))


@rows("E7")
def test_an_answer_burns_its_request_too() -> None:
    """Another assertion to the same request shares a one-time key with the first, so that the flow takes but one of them."""
    scene = Scene(ring(), "G-B")
    first = scene.ring.finish(scene.document)
    later = scene.ring.finish(scene.signed(response_id="_r9", assertion_id="_a9"))
    assert {burn.key for burn in first.burns} & {burn.key for burn in later.burns}


@rows("E8")
@pytest.mark.parametrize("minutes", [61, 60 * 24])
def test_an_answer_to_an_old_request_is_refused_however_fresh_it_is(minutes: int) -> None:
    found = Ring()
    honest(Scene(found, "G-B"), outcome_of(found, Scene(found, "G-B").document))
    found.clock.now = NOW + timedelta(minutes=minutes)
    refused(Scene(found, "G-B"), outcome_of(found, Scene(found, "G-B").document))


@rows("E5", "E6")
@pytest.mark.parametrize("memo", [b"", b"{}", b"null", b"\xff\xfe", b'{"id": "_x"}'])
def test_a_memory_that_is_not_ours_is_refused_and_never_a_crash(memo: bytes) -> None:
    scene = Scene(ring(), "G-B")
    refused(scene, outcome_with(memo, scene))
    honest(scene, outcome_of(scene.ring, scene.document))
