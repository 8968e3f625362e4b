"""A browser without a window: it keeps cookies, follows redirects and refreshes, and fills and submits forms as they stand."""

from __future__ import annotations

from typing import Any
from urllib.parse import urljoin

import requests
from lxml import html

from broker.demo.servers import DemoFailed

MAX_STEPS = 20


class Visitor:
    """One person at one browser."""

    def __init__(self) -> None:
        self._session = requests.Session()
        self._session.headers["Accept"] = "text/html"
        self._session.headers["Accept-Language"] = "en"

    def close(self) -> None:
        """Close its connections."""
        self._session.close()

    def get_json(self, url: str) -> dict[str, dict[str, str]]:
        """Fetch a JSON object with this browser's cookies."""
        answer: dict[str, dict[str, str]] = self._session.get(url, timeout=30).json()
        return answer

    def visit(self, url: str, answers: dict[str, str], until: str) -> None:
        """Open a page and do what it asks until the browser rests at `until`. Raises DemoFailed.

        `answers` are typed into fields of these names; a form whose fields are all hidden is submitted as it is.
        """
        page = self._session.get(url, timeout=30)
        for _ in range(MAX_STEPS):
            if page.status_code >= 400:
                raise DemoFailed(f"{page.url} answered {page.status_code}: {_words(page)}")
            if page.url.partition("?")[0] == until:
                return
            page = self._next(page, answers)
        raise DemoFailed(f"The sign-in did not end after {MAX_STEPS} pages; the last was {page.url}.")

    def _next(self, page: requests.Response, answers: dict[str, str]) -> requests.Response:
        refresh = page.headers.get("Refresh", "")
        if refresh:
            return self._session.get(urljoin(page.url, refresh.partition("url=")[2]), timeout=30)
        forms: Any = html.fromstring(page.content).xpath("//form")
        if not forms:
            raise DemoFailed(f"{page.url} has nothing to go on with: {_words(page)}")
        form = forms[0]
        fields = {str(name): str(value or "") for name, value in form.form_values()}
        for field in form.inputs:
            name = str(field.name or "")
            if field.tag == "input" and field.type not in {"hidden", "submit"}:
                if name not in answers:
                    raise DemoFailed(f"{page.url} asks for {name}.")
                fields[name] = answers[name]
        return self._session.post(urljoin(page.url, form.action or page.url), data=fields, timeout=30)


def _words(page: requests.Response) -> str:
    """What a page says, short."""
    try:
        text = " ".join(str(html.fromstring(page.content).xpath("string(//main)")).split())
    except (ValueError, html.etree.ParserError):
        text = page.text
    return text[:300]
