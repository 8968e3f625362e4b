"""SAML-G, and the rows of SAML-E that the flow decides: an answer counts once, in the browser and the tenant that it is for."""

from __future__ import annotations

import base64
import contextlib
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qsl, urlsplit

import pytest
from werkzeug.test import TestResponse

from providers.base import LoginStart
from tests.attacks.saml.edits import CONDITIONS, add
from tests.attacks.saml.oracle import rows
from tests.attacks.saml.ring import idp_b
from tests.attacks.saml.stage import ACME, GLOBEX, SUFFIX, Stage, accepted, refused_post, relay, signed_in
from tests.fakes import saml_names as n
from tests.fakes.broker import REDIRECT, Browser, replace_answer
from tests.fakes.saml_forge import form_value, read_request


def unasked_fields(stage: Stage, **changes: object) -> dict[str, str]:
    return {"SAMLResponse": stage.unasked(**changes), "RelayState": relay()}  # type: ignore[arg-type]


@rows("G1")
def test_the_same_post_twice_counts_once(stage: Stage) -> None:
    browser = stage.broker.browser()
    _, sent = stage.begin(browser)
    fields = stage.broker.saml_answer(sent)
    accepted(stage.post(browser, fields))
    refused_post(stage, browser, fields)
    unasked = unasked_fields(stage)
    accepted(stage.post(stage.broker.browser(), unasked))
    assert refused_post(stage, stage.broker.browser(), unasked).reasons == ["response_replayed"]


@rows("G2")
def test_an_old_assertion_in_a_new_response_is_a_replay(stage: Stage) -> None:
    """The first message signed its assertion only, so the wrapping can be made anew by anybody."""
    document = stage.unasked(base="G-A")
    accepted(stage.post(stage.broker.browser(), {"SAMLResponse": document, "RelayState": relay()}))
    root = n.parse(base64.b64decode(document))
    root.set("ID", "_another_response")
    fresh = {"SAMLResponse": form_value(n.serialize(root)), "RelayState": relay()}
    assert refused_post(stage, stage.broker.browser(), fresh).reasons == ["response_replayed"]
    accepted(stage.post(stage.broker.browser(), unasked_fields(stage)))


@rows("G3")
def test_of_fifty_parallel_replays_on_two_nodes_one_gets_in(own_stage: Stage) -> None:
    nodes = (own_stage.broker, own_stage.another_node())
    fields = unasked_fields(own_stage)
    browsers = [nodes[number % 2].browser() for number in range(50)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda browser: own_stage.post(browser, fields), browsers))
    assert [answer.status_code for answer in answers].count(303) == 1
    assert sum(signed_in(answer) for answer in answers) == 1
    assert own_stage.counts()["sessions"] == 1


@rows("G4")
def test_a_replay_after_a_restart_is_refused(stage: Stage) -> None:
    fields = unasked_fields(stage)
    accepted(stage.post(stage.broker.browser(), fields))
    browser = stage.broker.browser()
    _, sent = stage.begin(browser)
    solicited = stage.broker.saml_answer(sent)
    accepted(stage.post(browser, solicited))
    again = stage.another_node()
    assert refused_post(stage, again.browser(), fields).reasons == ["response_replayed"]
    carried = Browser(again)
    carried.client = browser.client
    refused_post(stage, carried, solicited)
    accepted(stage.post(again.browser(), unasked_fields(stage)))


@rows("G5")
def test_a_replay_is_refused_to_the_last_second_that_the_assertion_counts(own_stage: Stage) -> None:
    """Whether burned or expired: there is no moment in between. What the store forgets in time is forgotten here."""
    for seconds in (60, 240, 355, 361, 400):
        fields = unasked_fields(own_stage)
        accepted(own_stage.post(own_stage.broker.browser(), fields))
        own_stage.broker.clock.advance(seconds=seconds)
        own_stage.broker.wired.store.expire(own_stage.broker.clock.now())
        refused_post(own_stage, own_stage.broker.browser(), fields)


@rows("G6", "H16", "K8")
def test_an_answer_for_one_tenant_is_refused_at_the_next(stage: Stage) -> None:
    browser = stage.broker.browser()
    _, sent = stage.begin(browser)
    fields = stage.broker.saml_answer(sent)
    refused_post(stage, browser, fields, pool=GLOBEX)
    accepted(stage.post(browser, fields))
    unasked = stage.unasked()
    there = {"SAMLResponse": unasked, "RelayState": relay("direct" + SUFFIX[GLOBEX])}
    refused_post(stage, stage.broker.browser(), there, pool=GLOBEX)
    accepted(stage.post(stage.broker.browser(), {"SAMLResponse": unasked, "RelayState": relay()}))


@rows("K8")
def test_the_tenant_is_chosen_by_the_request_and_never_by_the_issuer(stage: Stage) -> None:
    """Both tenants know IdP A. Each has its own browser, its own user, its own session."""
    subs = []
    for pool in (ACME, GLOBEX):
        browser = stage.broker.browser()
        _, sent = stage.begin(browser, pool)
        accepted(stage.post(browser, stage.broker.saml_answer(sent, name_id="same@corp.example"), pool))
        with stage.broker.wired.store.unit() as unit:
            user = unit.users.by_username(pool, "corp_same@corp.example")
        assert user is not None
        assert user.pool_id == pool
        subs.append(user.sub)
    assert len(set(subs)) == 2


@rows("G7", "E5")
def test_an_answer_in_another_browser_is_refused(stage: Stage) -> None:
    """The attacker's own sign-in, posted from the victim's browser; and two logins whose answers are swapped."""
    attackers, victims = stage.broker.browser(), stage.broker.browser()
    _, sent = stage.begin(attackers)
    fields = stage.broker.saml_answer(sent)
    refused_post(stage, victims, fields)
    _, own = stage.begin(victims)
    victims_answer = stage.broker.saml_answer(own)
    refused_post(stage, victims, fields)
    refused_post(stage, victims, {"SAMLResponse": fields["SAMLResponse"], "RelayState": victims_answer["RelayState"]})
    refused_post(stage, victims, {"SAMLResponse": victims_answer["SAMLResponse"], "RelayState": fields["RelayState"]})
    accepted(stage.post(victims, victims_answer))
    accepted(stage.post(attackers, fields))


def rename(stage: Stage, table: str, name: str) -> None:
    """Take a table away, in whichever of the store's files it is, or bring it back."""
    for path in [path for path in stage.folder.iterdir() if path.read_bytes()[:6] == b"SQLite"]:
        with contextlib.closing(sqlite3.connect(path)) as db:
            if db.execute("select 1 from sqlite_master where name = ?", (table,)).fetchone():
                db.execute(f"alter table {table} rename to {name}")
                db.commit()
                return
    raise LookupError(table)


@rows("G8")
@pytest.mark.parametrize("table", ["replay_keys", "transient"])
def test_without_its_memory_of_replays_the_broker_lets_nobody_in(own_stage: Stage, table: str) -> None:
    browser = own_stage.broker.browser()
    _, sent = own_stage.begin(browser)
    solicited, unasked = own_stage.broker.saml_answer(sent), unasked_fields(own_stage)
    rename(own_stage, table, table + "_away")
    before = own_stage.counts()
    fields, who = (unasked, own_stage.broker.browser()) if table == "replay_keys" else (solicited, browser)
    own_stage.broker.app.testing = False
    own_stage.broker.app.config["PROPAGATE_EXCEPTIONS"] = False
    answer = own_stage.post(who, fields)
    assert answer.status_code >= 500
    assert not signed_in(answer)
    assert own_stage.counts() == before
    rename(own_stage, table + "_away", table)
    accepted(own_stage.post(who, fields))


@rows("E7")
def test_a_second_answer_to_an_answered_request_is_refused(stage: Stage) -> None:
    browser = stage.broker.browser()
    _, sent = stage.begin(browser)
    first, second = stage.broker.saml_answer(sent), stage.broker.saml_answer(sent, name_id="bob@corp.example")
    accepted(stage.post(browser, first))
    refused_post(stage, browser, second)


@rows("E7")
def test_a_wrong_answer_leaves_the_login_open_for_the_true_one(stage: Stage) -> None:
    browser = stage.broker.browser()
    _, sent = stage.begin(browser)
    fields = stage.broker.saml_answer(sent)
    assert refused_post(stage, browser, stage.broker.saml_answer(sent, audience="urn:evil.example")).reasons == ["audience_mismatch"]
    accepted(stage.post(browser, fields))


@rows("E8")
def test_an_answer_after_the_logins_end_is_refused(own_stage: Stage) -> None:
    browser = own_stage.broker.browser()
    _, sent = own_stage.begin(browser)
    own_stage.broker.clock.advance(seconds=301)
    refused_post(own_stage, browser, own_stage.broker.saml_answer(sent))
    _, again = own_stage.begin(browser)
    own_stage.broker.clock.advance(seconds=280)
    accepted(own_stage.post(browser, own_stage.broker.saml_answer(again)))


@rows("E34")
def test_an_assertion_for_one_use_is_used_once(stage: Stage) -> None:
    fields = {"SAMLResponse": stage.unasked(edit=add(CONDITIONS, "<saml:OneTimeUse/>")), "RelayState": relay()}
    accepted(stage.post(stage.broker.browser(), fields))
    assert refused_post(stage, stage.broker.browser(), fields).reasons == ["response_replayed"]


@rows("E2", "E9")
def test_an_answer_that_nobody_asked_for_ends_no_login_of_ours(stage: Stage) -> None:
    """Neither in the place of an answer, nor while the login waits at a later step and remembers no request any more."""
    browser = stage.broker.browser()
    _, sent = stage.begin(browser, client="partner", provider="open")
    first = query_of(sent)["RelayState"]
    refused_post(stage, browser, {"SAMLResponse": stage.unasked(), "RelayState": first})
    consent = stage.post(browser, {"SAMLResponse": answer_of_b(stage, sent), "RelayState": first})
    assert consent.status_code == 303
    assert REDIRECT not in consent.location, "the partner's client asks for consent first"
    handle = next(value for value in query_of(consent).values() if len(value) >= 32)
    refused_post(stage, browser, {"SAMLResponse": stage.unasked(name_id="mallory@corp.example"), "RelayState": handle})


def query_of(sent: TestResponse) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(sent.location).query))


def answer_of_b(stage: Stage, sent: TestResponse) -> str:
    """IdP B's answer to whatever was asked."""
    asked = read_request(LoginStart("redirect", sent.location, {}, b""))
    return form_value(idp_b().respond(replace_answer(idp_b().answer_to(asked, stage.broker.clock.now()), {}), "G-B"))


@rows("E6", "K7")
def test_the_other_provider_of_the_tenant_does_not_answer_for_the_one_that_was_asked(stage: Stage) -> None:
    browser = stage.broker.browser()
    _, sent = stage.begin(browser)
    good = stage.broker.saml_answer(sent)
    refused_post(stage, browser, {"SAMLResponse": answer_of_b(stage, sent), "RelayState": good["RelayState"]})
    accepted(stage.post(browser, good))
