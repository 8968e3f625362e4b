"""Cookies: random secrets whose hash the server keeps; nothing is signed, because nothing is stored in them.

Over https every name begins with `__Host-`, which a browser accepts only from this very host, for the whole of it (row OA-B2). On plain
http, which only a loopback address may use, the names are plain. Names carry the pool, since pools may share the public host.
"""

from __future__ import annotations

import hashlib
import re
import time
from datetime import datetime

from flask import Response, request

from broker.errors import InvalidRequest
from broker.web.context import is_https, pool

PREFIX = "__Host-"
SESSION = "cg-session"
LOGIN = "cg-login"
LANGUAGE = "cg-lang"
# A browser keeps about 180 cookies a host and sends 8 kB at most: unfinished logins must not crowd out the session.
MAX_LOGINS = 8
LONG_AGO = "Thu, 01 Jan 1970 00:00:00 GMT"

NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}")
VALUE = re.compile(r"[A-Za-z0-9_.~-]{1,512}")


def _full(name: str) -> str:
    return PREFIX + name if is_https() else name


def all_pairs() -> list[tuple[str, str]]:
    """The Cookie header by its letter: names are tokens, only space and tab are trimmed, and no legacy syntax is known.

    Trimming more would make `\\u2000__Host-x` into `__Host-x` (row OA-B3); a cookie without a name is dropped (row OA-B4).
    """
    pairs = []
    for crumb in str(request.environ.get("HTTP_COOKIE", "")).split(";"):
        name, equals, value = crumb.strip(" \t").partition("=")
        if equals and NAME.fullmatch(name):
            pairs.append((name, value))
    return pairs


def read(name: str) -> str | None:
    """A cookie's value, None if absent or not of our making. Raises InvalidRequest if there are two: one of them was tossed in."""
    values = [value for key, value in all_pairs() if key == _full(name)]
    if len(values) > 1:
        raise InvalidRequest(f"two cookies named {name}", public="Your browser sent a cookie twice. Please clear this site's cookies.")
    return values[0] if values and VALUE.fullmatch(values[0]) else None


def write(response: Response, name: str, value: str, *, max_age: int, cross_site: bool = False) -> None:
    """Set a cookie for the whole host, unreadable for scripts. `max_age` in seconds.

    `cross_site` lets it travel on a POST from another site (a SAML response); only over https, where a browser takes SameSite=None.
    """
    secure = is_https()
    same_site = "None" if cross_site and secure else "Lax"
    _set(response, name, value, f"Max-Age={max_age}", secure, same_site)


def erase(response: Response, name: str) -> None:
    """Take a cookie back."""
    _set(response, name, "", f"Expires={LONG_AGO}; Max-Age=0", is_https(), "Lax")


def _set(response: Response, name: str, value: str, life: str, secure: bool, same_site: str) -> None:
    """The header by hand: names and values are of our own making, and a framework would quote what needs no quotes and say ends twice."""
    if not NAME.fullmatch(full := _full(name)) or not (VALUE.fullmatch(value) or not value):
        raise ValueError(f"not a cookie of ours: {name}")
    marks = "Secure; HttpOnly" if secure else "HttpOnly"
    response.headers.add("Set-Cookie", f"{full}={value}; {marks}; {life}; Path=/; SameSite={same_site}")


def session() -> str | None:
    """The session cookie of this pool."""
    return read(f"{SESSION}.{pool().id}")


def set_session(response: Response, value: str, expires_at: datetime, now: datetime) -> None:
    """Keep a session until its fixed end."""
    write(response, f"{SESSION}.{pool().id}", value, max_age=max(1, int((expires_at - now).total_seconds())))


def clear_session(response: Response) -> None:
    """Sign this browser out of the pool."""
    erase(response, f"{SESSION}.{pool().id}")


def _login_name(handle: str) -> str:
    """The name tells logins apart without giving the handle away."""
    return f"{LOGIN}.{hashlib.sha256(handle.encode()).hexdigest()[:12]}"


def login(handle: str) -> str | None:
    """The secret that binds this login to this browser. One cookie a login, so that two tabs never meet (row OA-B12)."""
    value = read(_login_name(handle))
    return value.partition(".")[2] or None if value else None


def set_login(response: Response, handle: str, secret: str, *, max_age: int = 900, cross_site: bool = False) -> None:
    """Bind a login to this browser. The oldest unfinished ones give way beyond MAX_LOGINS.

    `cross_site` is for an upstream that answers by POST. Without it, or over plain http, such an answer comes without the cookie, and
    `send.bounce` asks the browser to send it again from here.
    """
    write(response, _login_name(handle), f"{int(time.time())}.{secret}", max_age=max_age, cross_site=cross_site)
    others = {name: value for name, value in all_pairs() if name.startswith(_full(f"{LOGIN}.")) and name != _full(_login_name(handle))}
    for name in sorted(others, key=lambda name: _age_key(others[name]))[: max(0, len(others) - MAX_LOGINS + 1)]:
        erase(response, name.removeprefix(PREFIX))


def _age_key(value: str) -> int:
    made = value.partition(".")[0]
    return int(made) if made.isascii() and made.isdigit() and len(made) < 12 else 0


def clear_login(response: Response, handle: str) -> None:
    """The login is over."""
    erase(response, _login_name(handle))
