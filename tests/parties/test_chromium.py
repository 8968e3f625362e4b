"""The journey as people make it: Chromium, from an app through our chooser and SimpleSAMLphp's login page, and back. Pictures are kept."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import BrowserContext, Page, sync_playwright

from tests.parties.kit.broker import CLIENT_SECRET, OIDC_MAPPING, SAML_MAPPING, Broker, client, pool
from tests.parties.kit.openid_provider import OpenidProvider
from tests.parties.kit.places import ARTIFACTS, free_port
from tests.parties.kit.relying_party import RelyingParty
from tests.parties.kit.simplesaml import SimpleSaml

pytestmark = [pytest.mark.parties, pytest.mark.browser]

POOL = "web_Acme"
UPSTREAM_SECRET = "an-upstream-secret-of-good-length-0123456789"


@dataclass
class Stage:
    """Who takes part. The broker is `localhost` and everybody else 127.0.0.1: other sites, as in real life."""

    broker: Broker
    app: RelyingParty
    ssp: SimpleSaml


@pytest.fixture(scope="module")
def stage(ssp: SimpleSaml) -> Iterator[Stage]:
    """A pool with two providers, so that there is a choice."""
    port = free_port()
    public_url = f"http://localhost:{port}"
    registered = {
        "client_id": "broker", "client_secret": UPSTREAM_SECRET, "redirect_uris": [f"{public_url}/{POOL}/oauth2/idpresponse"],
    }  # fmt: skip
    with ExitStack() as stack:
        app = stack.enter_context(closing(RelyingParty("openid-client-web")))
        op = stack.enter_context(closing(OpenidProvider([registered])))
        campus = {"name": "campus", "kind": "saml", "display_name": "Acme Campus", "metadata": ssp.metadata(), "mapping": SAML_MAPPING}
        partners = {
            "name": "partners", "kind": "oidc", "display_name": "Acme Partners", "issuer": op.issuer, "client_id": "broker",
            "client_secret": UPSTREAM_SECRET, "mapping": OIDC_MAPPING,
        }  # fmt: skip
        web = client(id="web", name="Acme Reports", redirect_uris=[app.callback], logout_uris=[app.bye])
        pools = [pool(POOL, [{**campus, "sign_out": True}, partners], [web], name="Acme", branding={"accent": "#0b6e4f"})]
        broker = stack.enter_context(closing(Broker(pools, name="broker-web", public_url=public_url, port=port)))
        ssp.register("web", broker.sp_metadata(POOL))
        app.start(issuer=broker.issuer(POOL), client_id="web", client_secret=CLIENT_SECRET)
        yield Stage(broker, app, ssp)
        assert broker.tracebacks() == []


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chromium]:
    """Debian's own; Playwright downloads nothing."""
    program = shutil.which("chromium") or "/usr/bin/chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield browser
        browser.close()


def _context(chromium: Chromium, width: int, scheme: str, **options: object) -> BrowserContext:
    context = chromium.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme, **options)  # type: ignore[arg-type]
    context.set_default_timeout(20_000)
    return context


def _picture(page: Page, name: str) -> None:
    page.screenshot(path=ARTIFACTS / f"{name}.png", full_page=True)


def _at_app(page: Page, stage: Stage) -> dict[str, object]:
    page.wait_for_url(f"{stage.app.callback}?**")
    return dict(json.loads(page.inner_text("body")))


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1280, "light")])
def test_journey(stage: Stage, chromium: Chromium, width: int, scheme: str) -> None:
    """App, chooser, login page, app; then out again, which ends the session at SimpleSAMLphp too."""
    context = _context(chromium, width, scheme)
    page = context.new_page()
    problems: list[str] = []
    page.on("console", lambda line: problems.append(f"{line.text} {line.location['url']}") if line.type == "error" else None)
    page.goto(f"{stage.app.url}/login")
    page.get_by_role("button", name="Acme Partners").wait_for()
    _picture(page, f"1-chooser-{width}")
    assert "Acme Reports" in page.inner_text("body")
    page.get_by_role("button", name="Acme Campus").click()
    page.wait_for_selector("input[name=password]")
    assert page.url.startswith(stage.ssp.url)
    _picture(page, f"2-simplesamlphp-{width}")
    page.fill("input[name=username]", "alice")
    page.fill("input[name=password]", "alicepass")
    page.press("input[name=password]", "Enter")
    got = _at_app(page, stage)
    assert got["claims"]["email"] == "alice@example.org"  # type: ignore[index]
    _picture(page, f"3-app-{width}")

    page.goto(f"{stage.app.url}/login")
    _at_app(page, stage)  # signed in already: nobody asks
    page.goto(f"{stage.app.url}/logout")
    page.wait_for_url(f"{stage.app.bye}?**")
    page.goto(f"{stage.app.url}/login")
    page.get_by_role("button", name="Acme Campus").click()
    page.wait_for_selector("input[name=password]")
    # The other parties have no icon.
    assert [line for line in problems if "/favicon.ico" not in line] == []
    context.close()


def test_journey_without_scripts(stage: Stage, chromium: Chromium) -> None:
    """Without JavaScript there is a button wherever a page would go on by itself."""
    context = _context(chromium, 1280, "light", java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{stage.app.url}/login")
    page.get_by_role("button", name="Acme Campus").click()
    page.wait_for_selector("input[name=password]")
    page.fill("input[name=username]", "alice")
    page.fill("input[name=password]", "alicepass")
    page.press("input[name=password]", "Enter")
    page.get_by_role("button", name="Submit").click()  # SimpleSAMLphp's page that posts the response
    page.wait_for_load_state()
    _picture(page, "4-completing-without-scripts")
    page.get_by_role("button", name="Continue").click()  # ours: from another site it came without our cookie
    assert _at_app(page, stage)["claims"]["email"] == "alice@example.org"  # type: ignore[index]
    context.close()


def test_refused(stage: Stage, chromium: Chromium) -> None:
    """An identity provider that is not to be believed: a page that says so, with what to tell the helpdesk."""
    stage.ssp.register("web", stage.broker.sp_metadata(POOL), saml20__sign__response=False, saml20__sign__assertion=False)
    context = _context(chromium, 390, "light")
    page = context.new_page()
    page.goto(f"{stage.app.url}/login")
    page.get_by_role("button", name="Acme Campus").click()
    page.fill("input[name=username]", "alice")
    page.fill("input[name=password]", "alicepass")
    page.press("input[name=password]", "Enter")
    page.wait_for_url(lambda url: url.startswith((stage.app.url, stage.broker.public_url)))
    page.wait_for_load_state()
    _picture(page, "5-refused-390")
    assert "alice@example.org" not in page.inner_text("body")
    stage.ssp.register("web", stage.broker.sp_metadata(POOL))
    context.close()
