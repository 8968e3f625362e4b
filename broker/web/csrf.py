"""Tokens against forged forms (row OA-B5): derived from the secret cookie that the form belongs to, so nothing is stored."""

from __future__ import annotations

import base64
import hashlib
import hmac

from flask import request

from broker.errors import LoginExpired
from broker.web.params import Params

FIELD = "csrf"


def token(secret: str, purpose: str) -> str:
    """A token for one purpose, of whoever holds the cookie `secret`. A token of another login, session or purpose differs."""
    mac = hmac.new(secret.encode(), b"crossgate csrf 1\x00" + purpose.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(mac).rstrip(b"=").decode()


def check(form: Params, secret: str | None, purpose: str) -> None:
    """Raises LoginExpired unless the form carries the token. The words fit both a forger and someone whose cookie has gone.

    Sec-Fetch-Site says more than Origin here: under `Referrer-Policy: no-referrer` a browser sends `Origin: null` even from our own pages.
    """
    if request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
        raise LoginExpired("form posted from another site")
    given = form.single(FIELD, 64) or ""
    if not secret or not hmac.compare_digest(given.encode(), token(secret, purpose).encode()):
        raise LoginExpired("csrf token missing or wrong")
