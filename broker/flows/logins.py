"""Login rows: kept in the transient store under their handle, bound to the browser that began them."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace
from datetime import datetime, timedelta

from pydantic import TypeAdapter

from broker.errors import LoginExpired
from broker.flows.kit import FlowKit
from broker.model.login import Login, TraceLine
from broker.ports.transient import Absent, Burned

LOGIN_SECONDS = 300  # spec A.5: the identity provider must answer within five minutes
_codec = TypeAdapter(Login)


def secret_hash(secret: str) -> str:
    """SHA-256 of a random secret, hex. Only hashes of cookies, codes and tokens are ever stored."""
    return hashlib.sha256(secret.encode()).hexdigest()


def save(kit: FlowKit, login: Login) -> None:
    """Write the row under its handle, until it expires."""
    kit.transient.put("login", secret_hash(login.handle), _codec.dump_json(login), login.expires_at)


def load(kit: FlowKit, pool_id: str, handle: str, browser_secret: str | None) -> Login:
    """The login behind a handle, for the browser that began it. Raises LoginExpired, with the same words for every cause.

    The cookie stops session swaps and login CSRF: a state or RelayState that was carried to another browser is worth nothing there.
    """
    row = kit.transient.get("login", secret_hash(handle))
    if row is None:
        raise LoginExpired("no such login", code="login_unknown")
    login = _codec.validate_json(row)
    if login.pool_id != pool_id or login.expires_at <= kit.now():
        raise LoginExpired("the login belongs to another pool or is over", code="login_unknown")
    if browser_secret is None or not hmac.compare_digest(secret_hash(browser_secret), login.browser):
        raise LoginExpired("the browser does not hold this login's cookie", code="login_other_browser")
    return login


def finish(kit: FlowKit, login: Login) -> None:
    """Burn the login: whoever comes second is refused. Raises LoginExpired."""
    taken = kit.transient.take("login", secret_hash(login.handle), login.expires_at + timedelta(seconds=LOGIN_SECONDS))
    if isinstance(taken, Absent | Burned):
        raise LoginExpired("the login was answered before", code="login_replayed")


def succeed(kit: FlowKit, login: Login) -> Login:
    """Burn the login and go on with a fresh handle for the steps that follow, so that a leaked state is worth nothing."""
    finish(kit, login)
    return replace(login, handle=kit.random.token(32), expires_at=_later(kit, login))


def _later(kit: FlowKit, login: Login) -> datetime:
    return max(login.expires_at, kit.now() + timedelta(seconds=LOGIN_SECONDS))


def with_line(login: Login, *lines: TraceLine) -> Login:
    """The login with more lines in its trace."""
    return replace(login, trace=(*login.trace, *lines))
