"""Each hosted page as a person meets it: on a phone and a desk, light and dark, by eye and by screen reader."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.browser.preview import PAGES

pytestmark = pytest.mark.browser

SIZES = {"phone": (390, 760), "desk": (1280, 800)}
SHOWN = [("plain", name) for name in PAGES if name not in {"onward", "post"}] + [("acme", "email"), ("loud", "chooser"), ("loud", "logout")]
SMALLEST_TARGET = 44


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("pool", "name"), SHOWN)
def test_a_page_fits_and_breaks_no_policy(
    chromium: Any, preview: str, pictures: Path, pool: str, name: str, size: str, scheme: str
) -> None:
    width, height = SIZES[size]
    context = chromium.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    try:
        page = context.new_page()
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.goto(f"{preview}/{pool}/{name}", wait_until="load")
        page.screenshot(path=pictures / f"{pool}-{name}-{size}-{scheme}.png")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it scrolls sideways"
        assert not [words for words in said if "Content Security Policy" in words], said
        for target in page.locator("button, a.button, input:not([type=hidden])").all():
            assert target.bounding_box()["height"] >= SMALLEST_TARGET
        assert page.locator("h1").count() == 1
    finally:
        context.close()


SPOKEN = {
    "chooser": """
- main:
  - text: Northwind Traders
  - heading "Sign in" [level=1]
  - paragraph: to continue to Travel desk
  - list:
    - listitem:
      - button "Continue with Google"
    - listitem:
      - button "Continue with GitHub"
    - listitem:
      - button "Continue with Microsoft"
    - listitem:
      - button "Continue with Corporation of Long Names & Sons Holding International"
    - listitem:
      - button "Continue with Okta"
""",
    "email-problem": """
- heading "Sign in" [level=1]
- text: Email address
- textbox "Email address" [active]: ada@exmaple.com
- alert: We don't know the organization of this address. Check its spelling, or ask your administrator.
- button "Continue"
""",
    "consent": """
- heading "Allow Trip Planner by Contoso to use your account?" [level=1]
- list "Trip Planner by Contoso will be able to:":
  - listitem: See your email address
  - listitem: See your name and profile
  - listitem: Use a service on your behalf https://api.acme.test/trips.read
- button "Allow"
- button "Don't allow"
""",
    "error": """
- heading "This sign-in has ended" [level=1]
- term: Error
- definition: login_expired
- term: Request ID
- definition
""",
    "signedout": """
- heading "You're signed out" [level=1]
- paragraph: You can close this page now.
""",
}


@pytest.mark.parametrize("name", SPOKEN)
def test_what_a_screen_reader_says(chromium: Any, preview: str, name: str) -> None:
    from playwright.sync_api import expect

    context = chromium.new_context()
    try:
        page = context.new_page()
        page.goto(f"{preview}/plain/{name}")
        expect(page.locator("body")).to_match_aria_snapshot(SPOKEN[name])
        assert page.locator("html").get_attribute("lang") == "en"
        assert "Northwind Traders" in page.title()
    finally:
        context.close()
