"""Send the browser to a provider, and remember what its answer must match."""

from __future__ import annotations

from dataclasses import replace

from broker.errors import FederationFailed, NotFound
from broker.flows import traces
from broker.flows.choices import live_provider
from broker.flows.kit import FlowKit
from broker.flows.logins import save, with_line
from broker.model.login import Login
from broker.model.settings import AppClient, UserPool
from providers.base import LoginAsk, LoginStart
from providers.errors import ProviderError

CALLBACK_PATHS = {"saml": "/saml2/idpresponse"}
OAUTH_CALLBACK_PATH = "/oauth2/idpresponse"


def callback_path(kind: str) -> str:
    """The one callback of a kind in a pool: state and RelayState bind the provider (spec B.6, B.7)."""
    return CALLBACK_PATHS.get(kind, OAUTH_CALLBACK_PATH)


def client_of(kit: FlowKit, login: Login) -> AppClient:
    """The login's client as it is now. Raises NotFound if it has been removed or disabled meanwhile."""
    client = kit.settings.client(login.pool_id, login.request.client_id)
    if client is None or not client.enabled:
        raise NotFound(f"client {login.request.client_id} is gone", code="client_unavailable")
    return client


def start_login(kit: FlowKit, pool: UserPool, login: Login, provider_name: str) -> LoginStart:
    """Build the upstream request. `prompt=none` never goes upstream: it was answered here (spec B.2).

    Raises NotFound for a provider that the client does not have live, and FederationFailed if it cannot be used.
    """
    record = live_provider(kit, pool, client_of(kit, login), provider_name)
    request = login.request
    ask = LoginAsk(
        handle=login.handle,
        callback_url=login.base_url + callback_path(record.kind),
        prompt=request.prompt,
        login_hint=request.login_hint,
        acr_values=request.acr_values,
        max_age=request.max_age,
        ui_locales=request.ui_locales,
    )
    try:
        start = kit.providers.get(pool, record).start(ask)
    except ProviderError as failed:
        line = kit.line("start_login", "refused", provider=record.name, reason=failed.reason, why=failed.private[:500])
        traces.keep_refused(kit, pool, with_line(replace(login, provider=record.name), line), failed.reason)
        kit.audit(
            "login.refused", "refused", failed.reason, {"private": failed.private[:500], "event_id": login.event_id},
            pool_id=pool.id, client_id=request.client_id, provider=record.name,
        )  # fmt: skip
        raise FederationFailed(failed.private, reason=failed.reason, public=failed.public) from failed
    line = kit.line("start_login", provider=record.name, kind=record.kind, method=start.method)
    save(kit, replace(login, provider=record.name, memo=start.memo, trace=(*login.trace, line)))
    return start
