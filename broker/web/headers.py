"""Security headers. Every answer gets the strict ones; a page says what little more it needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import Flask

from broker.web.context import begin

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

# Without includeSubDomains: what else lives under this name is not ours to say.
HSTS = ("Strict-Transport-Security", "max-age=31536000")
# A database that restarts is back within seconds.
AWAY_SECONDS = "2"
ALWAYS = tuple(
    (name.lower(), (name, value))
    for name, value in {
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
        "X-Frame-Options": "DENY",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        # A cached page of one person must not reach another (row OA-B8); what may be cached says so itself.
        "Cache-Control": "no-store",
    }.items()
)


@dataclass(frozen=True, slots=True)
class Policy:
    """What a page may load and where its forms may lead. `nonce` lets one style element in; `images` are further image origins.

    A browser holds `form-action` against every redirect that follows a form (CSP3 7.4), and nobody knows how many hops an upstream takes.
    So our forms post to ourselves and are answered by a page, never by a redirect elsewhere (`send.onward`); a page whose very
    purpose is a form to elsewhere sets `forms_anywhere`.
    """

    nonce: str = ""
    images: tuple[str, ...] = ()
    script: bool = False
    forms_anywhere: bool = False

    def header(self) -> str:
        style = f"'self' 'nonce-{self.nonce}'" if self.nonce else "'self'"
        parts = [
            "default-src 'none'",
            f"style-src {style}",
            " ".join(("img-src 'self' data:", *self.images)),
            "font-src 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        ]
        if not self.forms_anywhere:
            parts.append("form-action 'self'")
        if self.script:
            parts.append("script-src 'self'")
        return "; ".join(parts)


class Finished:
    """WSGI middleware: every request gets an id, and every answer the headers that it has not set itself.

    On the plain list that the server is given, in one pass: in a framework's header objects each look and each change walks over all.
    """

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request_id = begin(environ)

        def started(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            finish(environ, request_id, status, headers)
            return start_response(status, headers, exc_info)

        return self._app(environ, started)


def finish(environ: WSGIEnvironment, request_id: str, status: str, headers: list[tuple[str, str]]) -> None:
    """Add to the headers of an answer."""
    there = {name.lower(): at for at, (name, _) in enumerate(headers)}
    kept = headers[there["cache-control"]][1] if "cache-control" in there else "no-store"
    vary = there.get("vary")
    headers += [pair for lower, pair in ALWAYS if lower not in there]
    if "no-store" in kept or "set-cookie" in there:
        if vary is None:
            headers.append(("Vary", "Cookie"))
        elif "cookie" not in headers[vary][1].lower():
            headers[vary] = ("Vary", f"{headers[vary][1]}, Cookie")
    if environ.get("wsgi.url_scheme") == "https":
        headers.append(HSTS)
    headers.append(("X-Request-Id", request_id))
    # The name under which Cognito's clients look for it.
    if environ.get("PATH_INFO", "").startswith("/oauth2/"):
        headers.append(("x-amz-cognito-request-id", request_id))
    # Whichever face says that we are away also says when to ask again (RFC 9110 section 10.2.3).
    if status.startswith("503") and "retry-after" not in there:
        headers.append(("Retry-After", AWAY_SECONDS))


def install(app: Flask) -> None:
    """Finish every answer of the app."""
    app.wsgi_app = Finished(app.wsgi_app)  # type: ignore[method-assign]
