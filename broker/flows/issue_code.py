"""The end of a login: an authorization code, and the address to go back to (RFC 6749 4.1.2)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode, urlsplit
from uuid import UUID

from pydantic import TypeAdapter

from broker.errors import BrokerError, LoginExpired, UserDisabled
from broker.flows import traces
from broker.flows.kit import FlowKit
from broker.flows.logins import finish, secret_hash, with_line
from broker.model.login import Code, Login, Session
from broker.model.settings import UserPool

CODE_SECONDS = 60
codes = TypeAdapter(Code)


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back to the application: parameters on its redirect_uri."""

    url: str
    params: dict[str, str]

    def location(self) -> str:
        """The URL with the parameters added to whatever query the registered URI has."""
        joiner = "&" if urlsplit(self.url).query else "?"
        return f"{self.url}{joiner}{urlencode(self.params)}"


def error_answer(kit: FlowKit, pool: UserPool, redirect_uri: str, state: str | None, error: tuple[str, str]) -> Answer:
    """An error as the application gets it: error, error_description, state and iss (RFC 6749 4.1.2.1, RFC 9207)."""
    code, description = error
    params = {"error_description": description, "error": code, "iss": kit.addresses.issuer(pool)}
    return Answer(redirect_uri, params if state is None else {**params, "state": state})


def issue_code(kit: FlowKit, pool: UserPool, login: Login) -> Answer:
    """Burn the login and hand out a code for its session, or the error that its user was disabled on the way (spec B.11).

    Raises LoginExpired if the session ended meanwhile.
    """
    finish(kit, login)
    request = login.request
    with kit.store.unit() as unit:
        # A client that has tokens of the session hears of its end (OpenID Connect Back-Channel Logout).
        session = unit.sessions.join(pool.id, login.session_id or "", request.client_id)
        user = unit.users.get(pool.id, session.user_sub) if session else None
        refusal = "session_ended" if session is None else UserDisabled.code if user is None or not user.enabled else ""
        line = kit.line("code", "refused", reason=refusal) if refusal else kit.line("code", sid=login.session_id)
        traces.keep(kit, unit, pool, with_line(login, line), refusal or "code_issued", session)
    if session is None:
        raise LoginExpired("the session ended before the code was issued", code="session_ended")
    if refusal:
        return _turned_away(kit, pool, login)
    return hand_out_code(kit, pool, login, session)


def family_of(secret: str) -> str:
    """The refresh family that a code will start. It follows from the code, so that one that comes back late still finds it."""
    return str(UUID(bytes=hashlib.sha256(f"crossgate family\0{secret}".encode()).digest()[:16], version=4))


def hand_out_code(kit: FlowKit, pool: UserPool, login: Login, session: Session) -> Answer:
    """A code for a session that is open, and a login that nobody can come back to. The trace is the caller's."""
    request, secret = login.request, kit.random.token(32)
    code = Code(
        pool_id=pool.id,
        client_id=request.client_id,
        redirect_uri=request.redirect_uri,
        scopes=request.scopes,
        user_sub=session.user_sub,
        session_id=session.id,
        family=family_of(secret),
        event_id=login.event_id,
        auth_time=session.auth_time,
        session_began=session.created_at,
        nonce=request.nonce,
        code_challenge=request.code_challenge,
        resource=request.resource,
        amr=session.amr,
        acr=session.acr,
        provider=session.provider,
    )
    kit.transient.put("code", secret_hash(secret), codes.dump_json(code), kit.now() + timedelta(seconds=CODE_SECONDS))
    kit.audit(
        "code.issued", "ok", "", {"event_id": login.event_id, "sid": session.id},
        pool_id=pool.id, client_id=request.client_id, provider=session.provider or "", user_sub=session.user_sub,
    )  # fmt: skip
    params = {"code": secret, "iss": kit.addresses.issuer(pool)}
    return Answer(request.redirect_uri, params if request.state is None else {**params, "state": request.state})


def _turned_away(kit: FlowKit, pool: UserPool, login: Login) -> Answer:
    request, refused = login.request, UserDisabled()
    kit.audit(
        "login.refused", "refused", refused.code, {"event_id": login.event_id},
        pool_id=pool.id, client_id=request.client_id, user_sub=login.user_sub,
    )  # fmt: skip
    return error_answer(kit, pool, request.redirect_uri, request.state, ("access_denied", refused.public))


def refuse_login(kit: FlowKit, pool: UserPool, login: Login, error: BrokerError) -> None:
    """End a login without a code; its handle is worth nothing from here on."""
    finish(kit, login)
    told = with_line(login, kit.line("answer", "refused", reason=error.code, why=error.private[:500]))
    traces.keep_refused(kit, pool, told, error.code)
    kit.audit("login.refused", "refused", error.code, {"event_id": login.event_id}, pool_id=pool.id, client_id=login.request.client_id)
