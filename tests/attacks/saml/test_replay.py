"""SAML-G at the reader: what it hands to the flow to burn is the same for every copy of an assertion, and lasts as long as the assertion.

The reader itself remembers nothing. That the flow burns these keys, once, everywhere and durably, is shown in the flow's own rows.
"""

from __future__ import annotations

from datetime import timedelta

from tests.attacks.saml.oracle import honest, outcome_of, refused, rows
from tests.attacks.saml.ring import NOW, OTHER_ACS, POLICIES, Ring, Scene, ring
from tests.attacks.saml.tearing import assertion_of
from tests.fakes import saml_names as n
from tests.fakes.saml_sign import sign


def keys(found: Ring, document: bytes) -> set[str]:
    return {burn.key for burn in found.finish(document).burns}


@rows("G1")
def test_the_same_message_burns_the_same_keys() -> None:
    for policy in POLICIES:
        for solicited in (True, False):
            found = ring(policy, not solicited, solicited)
            document = Scene(found, "G-B").document
            assert keys(found, document) == keys(found, document) != set()


@rows("G2")
def test_an_old_assertion_in_a_new_response_burns_an_old_key() -> None:
    """Unsolicited, so that no request's key helps: the assertion's own must be shared."""
    found = ring("assertion", True, solicited=False)
    scene = Scene(found, "G-A")
    fresh = scene.tree()
    fresh.set("ID", "_other")
    fresh.set("IssueInstant", "2026-05-04T12:00:01Z")
    assert keys(found, scene.document) & keys(found, n.serialize(fresh))


@rows("G2")
def test_the_assertion_is_burned_and_not_only_its_wrapping() -> None:
    """The IdP's signature over a response does not make an old assertion new."""
    found = ring("both", True, solicited=False)
    scene = Scene(found, "G-B")
    again = scene.unsigned()
    again.set("ID", "_other")
    sign(assertion_of(again), scene.idp.key)
    sign(again, scene.idp.key)
    assert keys(found, scene.document) & keys(found, n.serialize(again))


@rows("G5", "G3", "G4")
def test_a_burn_outlives_the_assertion_and_is_durable_when_nobody_asked() -> None:
    found = ring("both", True, solicited=False)
    burns = found.finish(Scene(found, "G-B").document).burns
    lasting = [burn for burn in burns if burn.durable]
    assert lasting, "an unsolicited assertion's key must live in the durable store"
    last_moment = NOW
    clock_of = Ring("both", True, solicited=False)
    scene = Scene(clock_of, "G-B")
    document = scene.document
    for seconds in range(0, 1800, 15):
        clock_of.clock.now = NOW + timedelta(seconds=seconds)
        if isinstance(outcome_of(clock_of, document), Exception):
            break
        last_moment = clock_of.clock.now
    assert last_moment > NOW
    assert all(burn.until > last_moment for burn in lasting), "a key that is forgotten before the assertion ends lets it in again"


@rows("G5")
def test_a_long_assertion_is_burned_for_as_long_as_it_counts() -> None:
    """An assertion good for a day: refused later, or burned for the day."""
    found = Ring("both", True, solicited=False)
    scene = Scene(found, "G-B", {"lifetime": timedelta(days=1)})
    document = scene.document
    outcome = outcome_of(found, document)
    if isinstance(outcome, Exception):
        return
    longest = max(burn.until for burn in outcome.burns if burn.durable)
    found.clock.now = longest + timedelta(seconds=1)
    refused(scene, outcome_of(found, document))


@rows("G1", "G2")
def test_different_assertions_burn_different_keys() -> None:
    found = ring("both", True, solicited=False)
    scene = Scene(found, "G-B")
    assert not keys(found, scene.document) & keys(found, scene.signed(response_id="_r7", assertion_id="_a7"))


@rows("G2", "G6")
def test_a_key_belongs_to_the_issuer_and_the_provider() -> None:
    """Two providers that use one ID do not burn one another's keys, or one could lock the other out."""
    found = ring("both", True, solicited=False)
    from tests.attacks.saml.ring import idp_b

    theirs = Ring("both", True, solicited=False, idp=idp_b(), changes={"provider_id": "prov-b"})
    assert not keys(found, Scene(found, "G-B").document) & keys(theirs, Scene(theirs, "G-B").document)


@rows("G6")
def test_a_message_for_one_tenant_is_refused_at_the_next() -> None:
    found = ring("both", True, solicited=False)
    scene = Scene(found, "G-B")
    theirs = Ring("both", True, solicited=False, changes={"callback_urls": (OTHER_ACS,), "provider_id": "prov-g", "pool_id": "other"})
    from dataclasses import replace

    from tests.attacks.saml.oracle import outcome_of as outcome
    from tests.attacks.saml.ring import inbound

    refused(scene, outcome(theirs, replace(inbound(scene.document), callback_url=OTHER_ACS)))
    honest(scene, outcome_of(found, scene.document))
