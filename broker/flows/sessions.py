"""Sessions: who is signed in at a pool, in one browser. The cookie is `sid.secret`; only the secret's hash is kept."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from broker.errors import LoginRequired
from broker.flows.kit import FlowKit
from broker.flows.logins import secret_hash
from broker.model.login import AuthorizeRequest, Login, Session
from broker.model.settings import UserPool
from broker.model.users import User
from broker.ports.store import Unit
from providers.base import UpstreamIdentity

# What an upstream's clock may differ at most by any provider's settings.
SKEW = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session and the cookie that opens it, shown once."""

    session: Session
    cookie: str = field(repr=False)


def current_session(kit: FlowKit, pool: UserPool, cookie: str | None) -> Session | None:
    """The live session behind a cookie, for this pool only (P1.21); None for anything else."""
    if cookie is None or len(cookie) > 200:
        return None
    sid, dot, secret = cookie.partition(".")
    if not dot:
        return None
    with kit.store.unit() as unit:
        session = unit.sessions.get(pool.id, sid)
        user = unit.users.get(pool.id, session.user_sub) if session else None
    if session is None or user is None or not user.enabled or session.expires_at <= kit.now():
        return None
    return session if hmac.compare_digest(secret_hash(secret), session.secret_hash) else None


def usable_session(kit: FlowKit, pool: UserPool, cookie: str | None, request: AuthorizeRequest) -> Session | None:
    """The session, if the request lets it stand for a fresh sign-in: no prompt=login or select_account, max_age not passed, the user whom
    the hint names, and a provider that this client's users may come from.
    """
    if {"login", "select_account"} & set(request.prompt):
        return None
    session = current_session(kit, pool, cookie)
    if session is None or request.hinted_sub not in {None, session.user_sub} or not _provider_serves(kit, session, request.client_id):
        return None
    if request.max_age is not None and session.auth_time + timedelta(seconds=request.max_age) <= kit.now():
        return None
    return session


def _provider_serves(kit: FlowKit, session: Session, client_id: str) -> bool:
    """Whether a fresh sign-in could end in this session: a client's list of providers would mean nothing if another's session passed."""
    if session.provider is None:
        return True
    client = kit.settings.client(session.pool_id, client_id)
    record = kit.settings.provider(session.pool_id, session.provider)
    return client is not None and session.provider in client.providers and record is not None and record.state == "live"


def signed_in_at(kit: FlowKit, login: Login, identity: UpstreamIdentity) -> datetime:
    """`auth_time`: when the upstream says that the user signed in there, else now. Never of the future, never older than was asked for.

    Raises LoginRequired for a sign-in that is older (OpenID Connect Core 3.1.2.1: max_age, prompt=login). An adapter that could ask the
    upstream has refused it already, by its own skew; here it stops one whose provider is set not to be asked. Between two clocks that
    differ by less than SKEW the time is moved to the oldest that was allowed, so that the application does not refuse what we accepted.
    """
    now, said, request = kit.now(), identity.authenticated_at, login.request
    if said is None:
        return now
    allowed = [login.created_at] if "login" in request.prompt else []
    if request.max_age is not None:
        allowed.append(now - timedelta(seconds=request.max_age))
    oldest = max(allowed, default=said)
    if said < oldest - SKEW:
        raise LoginRequired(f"signed in upstream at {said}, and no earlier than {oldest} was asked for", code="upstream_sign_in_old")
    return min(max(said, oldest), now)


def open_session(kit: FlowKit, unit: Unit, pool: UserPool, login: Login, user: User, identity: UpstreamIdentity) -> NewSession:
    """A new session after an upstream sign-in. It never outlives the upstream's own SessionNotOnOrAfter (SAML-E25).

    Raises LoginRequired for a sign-in that is older than was asked for.
    """
    now = kit.now()
    end = now + timedelta(seconds=pool.session_ttl)
    if identity.session.not_on_or_after is not None:
        end = min(end, identity.session.not_on_or_after)
    sid, secret = kit.random.uuid(), kit.random.token(32)
    session = Session(
        id=sid,
        pool_id=pool.id,
        user_sub=user.sub,
        secret_hash=secret_hash(secret),
        auth_time=signed_in_at(kit, login, identity),
        created_at=now,
        expires_at=end,
        amr=("fed", *identity.amr),
        acr=identity.acr,
        provider=login.provider,
        upstream_subject_key=identity.subject_key,
        upstream_index=identity.session.session_index or identity.session.sid,
        upstream={
            "name_id": identity.session.name_id,
            "session_index": identity.session.session_index,
            "sid": identity.session.sid,
            "id_token": identity.session.id_token,
        },
        clients=(login.request.client_id,),
    )
    unit.sessions.put(session)
    return NewSession(session, f"{sid}.{secret}")
