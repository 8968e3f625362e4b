"""Security headers. Every answer gets the strict ones; a page says what little more it needs."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask, Response

from broker.web.context import is_https

# Without includeSubDomains: what else lives under this name is not ours to say.
HSTS = "max-age=31536000"
ALWAYS = tuple(
    (name, name.lower(), value)
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


def install(app: Flask) -> None:
    """Put the headers on every answer that has not set its own."""

    @app.after_request
    def harden(response: Response) -> Response:
        headers = response.headers
        # One look at what is there: each lookup in werkzeug's Headers is a walk over all of them.
        there = {name.lower(): value for name, value in headers}
        for name, lower, value in ALWAYS:
            if lower not in there:
                headers.add(name, value)
        if "no-store" in there.get("cache-control", "no-store"):
            if "vary" in there:
                response.vary.add("Cookie")
            else:
                headers.add("Vary", "Cookie")
        if "strict-transport-security" not in there and is_https():
            headers.add("Strict-Transport-Security", HSTS)
        return response
