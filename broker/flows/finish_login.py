"""The upstream has answered: verify, burn what is one-time, find or make the profile, open a session (design: a login's steps 7 to 10)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from broker.errors import AccessDenied, BrokerError, FederationFailed, InvalidRequest, LoginExpired
from broker.flows import traces
from broker.flows.admit import AdmissionRefused, admit
from broker.flows.authorize import RefusedToClient, Trusted
from broker.flows.choices import live_provider
from broker.flows.issue_code import Answer, hand_out_code
from broker.flows.kit import FlowKit
from broker.flows.logins import load, save, succeed, with_line
from broker.flows.start_login import client_of
from broker.model.login import Login, Session
from broker.model.settings import AppClient, ProviderRecord, UserPool
from providers.base import Burn, Inbound, UpstreamIdentity
from providers.errors import ProviderError, ResponseInvalid, UpstreamRefused


@dataclass(frozen=True, slots=True)
class FinishAsk:
    """An upstream's answer as a face read it, with the cookie that this browser holds for the login named by `handle`."""

    pool: UserPool
    inbound: Inbound
    handle: str
    base_url: str
    address: str = ""
    browser_secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Finished:
    """The login goes on under a new handle, with a session; or has ended with an `answer`. `session_cookie` replaces any older (OA-B1)."""

    login: Login
    session: Session
    session_cookie: str = field(repr=False)
    answer: Answer | None = None


def finish_login(kit: FlowKit, ask: FinishAsk) -> Finished:
    """Raises LoginExpired or FederationFailed (a page; the login stays open for the true answer) or RefusedToClient (a redirect)."""
    kit.rates.check("callback", ask.address)
    login = load(kit, ask.pool.id, ask.handle, ask.browser_secret)
    # Without a memo the adapter would take an answer that nobody asked for, in the place of one that this login no longer waits for (E9).
    if login.provider is None or not login.memo or login.base_url != ask.base_url:
        raise LoginExpired("this login does not wait for an upstream at this address", code="login_not_waiting")
    client = client_of(kit, login)
    kit.rates.check("callback_client", f"{ask.pool.id}/{client.id}")
    record = live_provider(kit, ask.pool, client, login.provider)
    identity = verify(kit, ask, login, client, record)
    burn_keys(kit, identity.burns)
    return complete(kit, ask, client, record, succeed(kit, login), identity)


def verify(kit: FlowKit, ask: FinishAsk, login: Login, client: AppClient, record: ProviderRecord) -> UpstreamIdentity:
    """Let the adapter verify the answer, and sort its refusals: a forged answer gets a page, the upstream's own `no` goes to the app."""
    try:
        return kit.providers.get(ask.pool, record).finish(login.memo or None, ask.inbound)
    except ProviderError as failed:
        told = with_line(login, kit.line("upstream", "refused", provider=record.name, reason=failed.reason, why=failed.private[:500]))
        traces.keep_refused(kit, ask.pool, told, failed.reason)
        kit.audit(
            "login.refused", "refused", failed.reason, {"private": failed.private[:500], "event_id": login.event_id},
            pool_id=ask.pool.id, client_id=client.id, provider=record.name, address=ask.address,
        )  # fmt: skip
        if isinstance(failed, ResponseInvalid):
            raise FederationFailed(failed.private, reason=failed.reason, public=failed.public) from failed
        raise RefusedToClient(_for_client(failed), Trusted(client, login.request.redirect_uri, login.request.state)) from failed


def _for_client(failed: ProviderError) -> BrokerError:
    if isinstance(failed, UpstreamRefused):
        return AccessDenied(failed.private, public=failed.description or failed.public, code=failed.error)
    return InvalidRequest(failed.private, public=failed.public)


def burn_keys(kit: FlowKit, burns: Iterable[Burn]) -> None:
    """Burn every one-time key of an answer before anything is done with it. Raises FederationFailed for a replay (SAML-G)."""
    for one in burns:
        if one.durable:
            with kit.store.unit() as unit:
                fresh = unit.burn(one.key, one.until)
        else:
            fresh = kit.transient.burn("replay", one.key, one.until)
        if not fresh:
            kit.audit("login.refused", "refused", "response_replayed", {"key": one.key})
            raise FederationFailed(f"replayed: {one.key}", reason="response_replayed")


def complete(kit: FlowKit, ask: FinishAsk, client: AppClient, record: ProviderRecord, login: Login, identity: UpstreamIdentity) -> Finished:
    """Admit the identity to the pool and go on. The login given is the successor: its predecessor is burned already.

    It is kept only if there is something left to ask: a row that is written to be burned in the same request helps nobody.
    """
    pool = ask.pool
    try:
        admitted = admit(kit, pool, client, record, login, identity)
    except AdmissionRefused as refusal:
        refused = refusal.error
        told = with_line(login, *refusal.lines, kit.line("admit", "refused", reason=refused.code, why=refused.private[:500]))
        traces.keep_refused(kit, pool, told, refused.code)
        kit.audit(
            "login.refused", "refused", refused.code, {"private": refused.private[:500], "event_id": login.event_id},
            pool_id=pool.id, client_id=client.id, provider=record.name, address=ask.address,
        )  # fmt: skip
        raise RefusedToClient(refused, Trusted(client, login.request.redirect_uri, login.request.state)) from refused
    going, session = admitted.login, admitted.session.session
    if not admitted.issues:
        save(kit, going)
    kit.audit(
        "login.finished", "ok", admitted.how, {"event_id": login.event_id, "sid": session.id},
        pool_id=pool.id, client_id=client.id, provider=record.name, user_sub=admitted.user.sub, address=ask.address,
    )  # fmt: skip
    answer = hand_out_code(kit, pool, going, session) if admitted.issues else None
    return Finished(going, session, admitted.session.cookie, answer)
