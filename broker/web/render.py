"""Pages out of templates: one Jinja environment, always escaping, with the pool's look and the reader's language."""

from __future__ import annotations

import hashlib
import re
import secrets
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from broker.model.settings import Branding
from broker.web import i18n, theme
from broker.web.context import pool_or_none, request_id
from broker.web.headers import Policy

FACES = Path(__file__).parent.parent / "faces"
STATIC = FACES / "static"
IMAGE_DATA = re.compile(r"data:image/(?:png|jpeg|gif|webp|svg\+xml);base64,[A-Za-z0-9+/=]+")


@cache
def environment() -> Environment:
    """The templates of every face. Escaping does not depend on a file's name, and a misspelt variable is an error."""
    env = Environment(
        loader=FileSystemLoader(FACES / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    env.install_gettext_callables(i18n.gettext, i18n.ngettext, newstyle=True)  # type: ignore[attr-defined]
    env.globals["static"] = static_url
    return env


@cache
def _digest(name: str) -> str:
    return hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]


def static_url(name: str) -> str:
    """A static file's path on this host; the digest lets browsers keep it for good."""
    return f"/static/{name}?v={_digest(name)}"


def page(template: str, *, status: int = 200, script: bool = False, forms_anywhere: bool = False, **values: Any) -> Response:
    """Render a page of the current pool. Extra `values` go to the template."""
    pool = pool_or_none()
    branding = pool.branding if pool else Branding()
    logo, logo_origin = _logo(branding.logo_url)
    nonce = secrets.token_urlsafe(16)
    html = (
        environment()
        .get_template(template)
        .render(
            title=branding.title or (pool.name if pool else ""),
            logo=logo,
            support_url=branding.support_url if branding.support_url.startswith(("https://", "mailto:")) else "",
            theme=theme.of(branding),
            nonce=nonce,
            language=i18n.language(),
            request_id=request_id(),
            **values,
        )
    )
    policy = Policy(nonce=nonce, images=(logo_origin,) if logo_origin else (), script=script, forms_anywhere=forms_anywhere)
    response = Response(html, status=status, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = policy.header()
    response.headers["Cache-Control"] = "no-store"
    response.headers["Content-Language"] = i18n.language()
    response.vary.update(("Cookie", "Accept-Language"))
    return response


def _logo(url: str) -> tuple[str, str]:
    """A logo that may be shown, and the origin to allow for it. Anything but https or an image of its own is left out (row OA-B11)."""
    if IMAGE_DATA.fullmatch(url):
        return url, ""
    parts = urlsplit(url)
    # The origin goes into a header: only what cannot end a directive.
    if parts.scheme == "https" and re.fullmatch(r"[A-Za-z0-9.-]+(:[0-9]{1,5})?", parts.netloc):
        return url, f"https://{parts.netloc}"
    return "", ""
