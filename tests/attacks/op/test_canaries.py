"""OA-P3.13 and OA-B11: secrets never show where they can be read, and no stored string becomes markup."""

from __future__ import annotations

import logging

import pytest

from broker.flows.consent import withdraw_consent
from tests.attacks.op.rig import OTHER_POOL, POOL, SECRET, World, query_of
from tests.attacks.op.setup import CANARY, OTHER_HOST
from tests.attacks.op.test_consent import at_consent
from tests.fakes.broker import claims_of


def test_p3_13_no_secret_in_logs_addresses_pages_or_the_database(
    world: World, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    browser = world.broker.browser()
    flow, sent = world.broker.begin(browser, "app", identity_provider="op")
    pairs = dict(world.op.browse(sent.location))
    back = browser.get(world.url("/oauth2/idpresponse", **pairs))
    code = world.broker.code_of(flow, back)
    tokens = world.broker.redeem(flow, code).get_json()
    cookie = browser.client.get_cookie(f"cg-session.{POOL}", domain="localhost")
    assert cookie is not None
    assert world.userinfo(tokens["access_token"]).status_code == 200
    assert world.refresh(tokens["refresh_token"]).status_code == 200
    refusals = [
        world.broker.redeem(flow, code), world.refresh(tokens["access_token"]), world.userinfo(tokens["refresh_token"]),
        browser.get(world.url("/oauth2/idpresponse", **pairs)), world.broker.token({"grant_type": "x", "code": code}),
        browser.get(world.url("/oauth2/authorize", client_id="app", redirect_uri="https://evil.example", id_token_hint=tokens["id_token"])),
        world.broker.browser().get(world.url("/oauth2/userInfo") + f"?access_token={tokens['access_token']}"),
        world.post("/oauth2/token", {"client_id": "app", "client_secret": SECRET + "?"}),
    ]  # fmt: skip
    held = {
        "code": code, "upstream code": pairs["code"], "verifier": flow.verifier, "client secret": SECRET,
        "upstream secret": "a-secret-that-is-quite-long-enough", "cookie": cookie.value.partition(".")[2],
        "access token": tokens["access_token"].rpartition(".")[2], "id token": tokens["id_token"].rpartition(".")[2],
        "refresh token": tokens["refresh_token"],
    }  # fmt: skip
    out, err = capfd.readouterr()
    audit = (world.folder / "audit.jsonl").read_text()
    pages = "".join(response.get_data(as_text=True) + str(response.headers) for response in refusals)
    stored = b"".join(path.read_bytes() for path in world.folder.glob("crossgate.db*"))
    for name, secret in held.items():
        for place, text in {"log": caplog.text + out + err, "audit": audit, "answer": pages, "redirect": sent.location}.items():
            assert secret not in text, f"{name} in the {place}"
        assert secret.encode() not in stored, f"{name} in the database"
    assert tokens["access_token"] not in back.location


def test_p3_13_a_trace_has_no_tokens(world: World) -> None:
    browser = world.broker.browser()
    flow, sent = world.broker.begin(browser, "app", identity_provider="op")
    back = browser.get(world.url("/oauth2/idpresponse", **dict(world.op.browse(sent.location))))
    tokens = world.broker.redeem(flow, world.broker.code_of(flow, back)).get_json()
    with world.broker.wired.store.unit() as unit:
        trace = unit.traces.get(claims_of(tokens["id_token"])["event_id"], POOL)
    assert trace is not None
    told = repr(trace.lines)
    assert "ada@example.com" in told
    assert "eyJ" not in told
    assert query_of(sent.location)["nonce"] not in told


def test_b_11_stored_strings_are_text_on_every_page(world: World) -> None:
    """Names of pools, clients and providers, and what an upstream says of a user, in front of chooser, consent, logout and error."""
    browser = world.broker.browser()
    _, to_chooser = world.broker.begin(browser, "shown")
    chooser = browser.get(to_chooser.location)
    with world.broker.wired.store.unit() as unit:
        user = unit.users.by_username(POOL, "corp_mallory@corp.example")
    if user is not None:
        withdraw_consent(world.broker.wired.kit, POOL, user.sub, "shown")
    stranger = world.broker.browser()
    world.broker.saml_login(stranger, name_id="mallory@corp.example")
    _, consent = at_consent(world, stranger, "shown", prompt="consent")
    other = world.broker.browser(f"http://{OTHER_HOST}:8080")
    named_pool = [other.get(f"http://{OTHER_HOST}:8080{path}") for path in ("/oauth2/authorize", "/signedout", "/logout", "/login?login=x")]
    for page in (chooser, consent, *named_pool, browser.get(world.url("/oauth2/authorize", OTHER_POOL))):
        html = page.get_data(as_text=True)
        assert CANARY not in html
        assert "<script>alert" not in html
        assert "unsafe" not in page.headers["Content-Security-Policy"]
    assert "&lt;script&gt;alert" in chooser.get_data(as_text=True)
    assert "&lt;script&gt;alert" in named_pool[0].get_data(as_text=True)


def test_b_11_what_an_upstream_says_is_text_as_well(world: World) -> None:
    browser = world.broker.browser()
    _, sent = world.broker.begin(browser, identity_provider="op")
    words = {"error": "access_denied", "error_description": CANARY, "state": query_of(sent.location)["state"], "iss": world.op.issuer}
    back = browser.get(world.url("/oauth2/idpresponse", **words))
    assert back.status_code == 303
    assert "<" not in back.location
    assert '"' not in back.location
