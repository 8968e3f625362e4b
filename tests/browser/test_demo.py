"""The demo in a real browser: by keyboard alone, without JavaScript, and as it looks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from broker.demo.layout import Layout

pytestmark = pytest.mark.browser


@pytest.fixture
def page(chromium: Any, demo: Layout) -> Iterator[Any]:
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    yield context.new_page()
    context.close()


def tab_to(page: Any, name: str) -> None:
    """Press Tab until the element with this text, or this field, has the focus."""
    for _ in range(20):
        page.keyboard.press("Tab")
        focused = "document.activeElement"
        if name in page.evaluate(f"{focused}.name || {focused}.innerText || ''") or name in page.evaluate(f"{focused}.innerText || ''"):
            return
    raise AssertionError(f"Tab never reached {name!r}")


def type_password(page: Any, name: str) -> None:
    """On a sample provider's form the name field gets the focus by itself: a moment after it is there, and keys typed before are lost."""
    page.wait_for_selector("#username:focus")
    page.keyboard.type(name)
    page.keyboard.press("Tab")
    page.keyboard.type(f"{name}pass")
    page.keyboard.press("Enter")


def test_by_keyboard_alone_through_the_chooser(page: Any, demo: Layout) -> None:
    for way, column in (("SAML IdP", "SampleSAML"), ("OIDC IdP", "SampleOIDC")):
        page.goto(f"{demo.app}/")
        tab_to(page, "Choose at the broker")
        page.keyboard.press("Enter")
        page.wait_for_url(f"{demo.issuer}/login*")
        tab_to(page, way)
        page.keyboard.press("Enter")
        type_password(page, "alice")
        page.wait_for_url(f"{demo.app}/")
        assert page.locator("thead").first.inner_text().find(column) >= 0


def test_signing_out_reaches_the_provider_and_comes_back(page: Any, demo: Layout) -> None:
    page.goto(f"{demo.app}/sign-in?with=SampleSAML")
    type_password(page, "alice")
    page.wait_for_url(f"{demo.app}/")
    with page.expect_navigation(url=f"{demo.app}/"):  # it is there already: wait_for_url would not wait
        page.get_by_role("button", name="Sign out").click()
    assert page.locator("table").count() == 0
    page.goto(f"{demo.saml}/")
    assert "Nobody is signed in" in page.content()


def test_without_javascript(chromium: Any, demo: Layout) -> None:
    context = chromium.new_context(java_script_enabled=False)
    try:
        page = context.new_page()
        page.goto(f"{demo.app}/sign-in")
        page.get_by_role("button", name="SAML IdP").click()
        page.wait_for_selector("#username")
        page.fill("#username", "bob")
        page.fill("#password", "bobpass")
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("button", name="Continue").click()
        page.wait_for_url(f"{demo.app}/")
        assert "bob@example.com" in page.content()
    finally:
        context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("size", "width", "height"), [("phone", 390, 844), ("desk", 1280, 900)])
def test_how_it_looks(chromium: Any, demo: Layout, pictures: Path, size: str, width: int, height: int, scheme: str) -> None:
    context = chromium.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    try:
        page = context.new_page()
        page.goto(f"{demo.app}/")
        page.screenshot(path=pictures / f"demo-start-{size}-{scheme}.png")
        for provider, person in (("SampleSAML", "alice"), ("SampleOIDC", "alice")):
            page.goto(f"{demo.app}/sign-in?with={provider}")
            if page.locator("#username").count():
                page.screenshot(path=pictures / f"demo-idp-{size}-{scheme}.png")
                type_password(page, person)
            page.wait_for_url(f"{demo.app}/")
        assert page.locator("thead").first.locator("th").all_text_contents() == ["Claim", "SampleSAML", "SampleOIDC"]
        page.screenshot(path=pictures / f"demo-tokens-{size}-{scheme}.png", full_page=size == "phone")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it scrolls sideways"
        page.goto(f"{demo.app}/sign-in")
        page.screenshot(path=pictures / f"demo-chooser-{size}-{scheme}.png")
    finally:
        context.close()
