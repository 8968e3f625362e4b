"""Signing out, from three sides: the application sends the browser (OpenID Connect RP-Initiated Logout 1.0, spec B.3), the upstream asks,
or an administrator does. A session's end reaches its clients by back-channel logout, and the upstream if its provider says so."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import quote

from broker.errors import InvalidRequest, InvalidToken, UntrustedRedirect
from broker.flows.kit import FlowKit
from broker.flows.logins import secret_hash
from broker.flows.sessions import current_session
from broker.model.login import Session
from broker.model.records import Job
from broker.model.settings import AppClient, UserPool
from broker.ports.store import Unit
from broker.ports.transient import Taken
from providers.base import LoginStart, LogsOut, UpstreamSession
from providers.errors import ProviderError

UPSTREAM_SECONDS = 300


@dataclass(frozen=True, slots=True)
class LogoutAsk:
    """What the application said: where to go afterwards, checked against its registration, or nothing."""

    client: AppClient | None
    return_url: str | None
    state: str | None
    sure: bool
    hinted_sub: str | None = None


@dataclass(frozen=True, slots=True)
class LoggedOut:
    """Where to go: to the upstream first, then to `return_url` (None: our own signed-out page). `kept` says that a session lives on."""

    return_url: str | None
    upstream: LoginStart | None = None
    kept: bool = False


def read_logout(kit: FlowKit, pool: UserPool, params: Mapping[str, str]) -> LogoutAsk:
    """Check the parameters. `sure` if an id_token_hint or an exact client_id + logout_uri vouches; else the user is asked (I10).

    Raises UntrustedRedirect for an address that is not registered, InvalidRequest for a hint that is not a token of ours (P3.6).
    """
    hinted = None
    if "id_token_hint" in params:
        try:
            hinted = kit.verifier.verify_hint(pool.id, params["id_token_hint"])
        except InvalidToken as bad:
            raise InvalidRequest(f"id_token_hint: {bad.private}") from bad
    client_id = params.get("client_id") or (hinted.client_id if hinted else None)
    if hinted is not None and hinted.client_id != client_id:
        raise InvalidRequest("client_id is not that of the id_token_hint")
    client = kit.settings.client(pool.id, client_id) if client_id else None
    if client_id and (client is None or not client.enabled):
        raise UntrustedRedirect("unknown client at logout", code="unknown_client")
    address = params.get("logout_uri") or params.get("post_logout_redirect_uri")
    if address is not None and (client is None or address not in client.logout_uris):
        raise UntrustedRedirect("the logout address is not registered for the client", code="logout_mismatch")
    sure = hinted is not None or (client is not None and address is not None)
    return LogoutAsk(client, address, params.get("state"), sure, hinted.sub if hinted else None)


def logout(kit: FlowKit, pool: UserPool, ask: LogoutAsk, session_cookie: str | None, base_url: str) -> LoggedOut:
    """End the session of this browser. A hint that names somebody else ends nothing."""
    session = current_session(kit, pool, session_cookie)
    if session is None:
        return LoggedOut(_with_state(ask))
    if ask.hinted_sub is not None and ask.hinted_sub != session.user_sub:
        kit.audit("logout.refused", "refused", "hint_of_other_user", pool_id=pool.id, user_sub=session.user_sub)
        return LoggedOut(_with_state(ask), kept=True)
    with kit.store.unit() as unit:
        ended = end_session(kit, unit, pool, session, revoke=ask.client is not None and ask.client.logout_revokes)
    kit.audit(
        "logout", "ok", "rp_initiated", {"sid": session.id},
        pool_id=pool.id, client_id=ask.client.id if ask.client else None, provider=session.provider, user_sub=session.user_sub,
    )  # fmt: skip
    return LoggedOut(_with_state(ask), _upstream(kit, pool, session, _with_state(ask), base_url) if ended else None)


def _with_state(ask: LogoutAsk) -> str | None:
    if ask.return_url is None or ask.state is None:
        return ask.return_url
    return f"{ask.return_url}{'&' if '?' in ask.return_url else '?'}state={quote(ask.state, safe='')}"


def end_session(kit: FlowKit, unit: Unit, pool: UserPool, session: Session, *, revoke: bool) -> bool:
    """Delete the session and tell its clients by the outbox, in the same transaction. False if somebody was faster."""
    if unit.sessions.end(pool.id, session.id) is None:
        return False
    if revoke:
        unit.refreshes.revoke(pool.id, session_id=session.id)
    for client_id in session.clients:
        client = kit.settings.client(pool.id, client_id)
        if client is not None and client.backchannel_logout_uri:
            payload = {"pool_id": pool.id, "client_id": client_id, "sub": session.user_sub, "sid": session.id}
            unit.jobs.enqueue(Job(kit.random.uuid(), "backchannel_logout", payload, kit.now()))
    return True


def _upstream(kit: FlowKit, pool: UserPool, session: Session, return_url: str | None, base_url: str) -> LoginStart | None:
    """The upstream's own logout, for providers that are set to it. One that cannot is told in the audit, never a reason to fail."""
    record = kit.settings.provider(pool.id, session.provider) if session.provider else None
    if record is None or record.state != "live":
        return None
    held = UpstreamSession(
        name_id=session.upstream.get("name_id"),
        session_index=session.upstream.get("session_index"),
        sid=session.upstream.get("sid"),
        id_token=session.upstream.get("id_token"),
    )
    handle = kit.random.token(32)
    back = base_url + ("/saml2/logout" if record.kind == "saml" else "/signedout")
    try:
        provider = kit.providers.get(pool, record)
        start = provider.start_logout(held, handle, back) if isinstance(provider, LogsOut) else None
    except ProviderError as failed:
        kit.audit("logout.upstream", "refused", failed.reason, pool_id=pool.id, provider=record.name)
        return None
    if start is not None:
        row = {"provider": record.name, "memo": start.memo.decode("utf-8"), "return_url": return_url}
        kit.transient.put("logout", secret_hash(handle), json.dumps(row).encode(), kit.now() + timedelta(seconds=UPSTREAM_SECONDS))
    return start


def take_return(kit: FlowKit, handle: str) -> dict[str, str | None] | None:
    """What was remembered for the way back from an upstream's logout, once."""
    taken = kit.transient.take("logout", secret_hash(handle), kit.now() + timedelta(seconds=UPSTREAM_SECONDS))
    if not isinstance(taken, Taken):
        return None
    row: dict[str, str | None] = json.loads(taken.value)
    return row
