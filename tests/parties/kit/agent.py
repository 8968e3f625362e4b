"""A browser without JavaScript: cookies, redirects, forms. Pages that only wait for a script to post them are posted on.

It stops in front of the app's own address, which need not exist, and keeps one connection a request, so that a balancer in
between may send each one elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urljoin, urlsplit

import requests
from lxml import html

SELF_POSTING = re.compile(rb"\.submit\(\)|/post\.js\b")
REDIRECTS = (301, 302, 303, 307, 308)
TIMEOUT = 60


class Stuck(AssertionError):
    """The journey did not lead where it should; the message shows the last page."""


@dataclass
class Page:
    """Where the browser stands. `arrived`: at the address it was sent to find, without having asked for it."""

    url: str
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes = b""
    arrived: bool = False

    @property
    def text(self) -> str:
        """What a person reads."""
        if not self.content.strip():
            return ""
        return re.sub(r"\s+", " ", html.fromstring(self.content).text_content()).strip()

    @property
    def query(self) -> dict[str, str]:
        """The parameters of its address. A doubled one is an error."""
        pairs = parse_qs(urlsplit(self.url).query, keep_blank_values=True)
        if doubled := [name for name, values in pairs.items() if len(values) > 1]:
            raise Stuck(f"doubled parameters {doubled} in {self.url}")
        return {name: values[0] for name, values in pairs.items()}

    @property
    def document(self) -> html.HtmlElement:
        return html.fromstring(self.content, base_url=self.url)

    @property
    def is_html(self) -> bool:
        return "html" in self.headers.get("content-type", "") and bool(self.content.strip())

    @property
    def asks_password(self) -> bool:
        """A login page."""
        return self.is_html and bool(self.document.xpath('//input[@type="password"]'))

    def shown(self) -> str:
        """For error messages."""
        return f"{self.status} {self.url[:300]}\n{self.text[:1500]}"


class Agent:
    """One person's browser. `until` is the app's address: the journey ends in front of it. There may be several such addresses."""

    def __init__(self, *until: str) -> None:
        self.until = until
        self.session = requests.Session()
        self.session.headers["Connection"] = "close"
        self.history: list[tuple[str, int, str]] = []

    def open(self, url: str) -> Page:
        """Go to an address and wherever it leads by itself."""
        return self._settle(self._ask("GET", url))

    def post(self, url: str, fields: Mapping[str, str]) -> Page:
        """Post a form to an address and go wherever that leads by itself."""
        return self._settle(self._ask("POST", url, data=dict(fields)))

    def step(self, method: str, url: str, **options: object) -> Page:
        """One request and nothing that follows from it."""
        return self._ask(method, url, **options)

    def _ask(self, method: str, url: str, **options: object) -> Page:
        if url.startswith(self.until):
            return Page(url, arrived=True)
        reply = self.session.request(method, url, allow_redirects=False, timeout=TIMEOUT, **options)  # type: ignore[arg-type]
        self.history.append((method, reply.status_code, url))
        return Page(url, reply.status_code, reply.headers, reply.content)

    def _settle(self, page: Page) -> Page:
        for _ in range(30):
            following = self.next(page)
            if following is None:
                return page
            page = following
        raise Stuck(f"no end of redirects: {[url[:80] for _, _, url in self.history[-10:]]}")

    def next(self, page: Page) -> Page | None:
        """What a browser would do by itself on this page: one step, or None."""
        if page.arrived:
            return None
        if page.status in REDIRECTS:
            return self._ask("GET", urljoin(page.url, page.headers["location"]))
        refresh = re.fullmatch(r"0;\s*url=(.+)", page.headers.get("refresh", ""))
        if refresh:
            return self._ask("GET", urljoin(page.url, refresh[1]))
        if page.is_html and SELF_POSTING.search(page.content) and len(page.document.forms) == 1 and not page.asks_password:
            return self._send(page, page.document.forms[0], {})
        return None

    def _send(self, page: Page, form: html.FormElement, changed: Mapping[str, str]) -> Page:
        fields = {**dict(form.form_values()), **changed}
        target = urljoin(page.url, form.get("action") or page.url)
        if (form.get("method") or "get").lower() == "post":
            return self._ask("POST", target, data=fields)
        return self._ask("GET", target, params=fields)

    def submit(self, page: Page, fields: Mapping[str, str] | None = None, *, button: str = "") -> Page:
        """Fill in the page's form and send it by the button that says `button`, or by its first one."""
        if not page.is_html:
            raise Stuck(f"no page to fill in: {page.shown()}")
        for candidate in page.document.xpath("//button|//input[@type='submit']"):
            if button.lower() in (candidate.text_content() + (candidate.get("value") or "")).lower():
                form = self._form_of(page, candidate)
                pressed = {candidate.get("name"): candidate.get("value") or ""} if candidate.get("name") else {}
                return self._settle(self._send(page, form, {**pressed, **(fields or {})}))
        raise Stuck(f"no button {button!r}: {page.shown()}")

    @staticmethod
    def _form_of(page: Page, button: html.HtmlElement) -> html.FormElement:
        if button.get("form"):
            # An own walk: ids with dots and the like need no quoting then.
            return next(form for form in page.document.forms if form.get("id") == button.get("form"))
        return next(button.iterancestors("form"))

    def sign_in(self, page: Page, user: str, password: str) -> Page:
        """Fill in the login page of an identity provider."""
        if not page.asks_password:
            raise Stuck(f"not a login page: {page.shown()}")
        form = next(form for form in page.document.forms if form.xpath('.//input[@type="password"]'))
        name = form.xpath('.//input[@type="text" or @type="email" or not(@type)]/@name')[0]
        secret = form.xpath('.//input[@type="password"]/@name')[0]
        return self._settle(self._send(page, form, {name: user, secret: password}))

    def journey(self, url: str, user: str = "alice", password: str = "alicepass") -> Page:
        """The whole way: from the app's link through the login page and back in front of the app."""
        page = self.open(url)
        if page.asks_password:
            page = self.sign_in(page, user, password)
        if not page.arrived:
            raise Stuck(f"not back at the app: {page.shown()}")
        return page
