"""IdP-initiated sign-in (spec B.6): RelayState carries the authorize parameters; only for SAML providers that allow it.

Nothing binds such a login to the browser, which is why it is off by default: whoever posts an assertion into somebody's browser signs
that person in as the assertion's subject.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from broker.errors import InvalidRequest
from broker.flows.authorize import Trusted, read_request, trust
from broker.flows.choices import live_provider
from broker.flows.finish_login import FinishAsk, Finished, burn_keys, complete, verify
from broker.flows.kit import FlowKit
from broker.flows.logins import LOGIN_SECONDS, secret_hash
from broker.model.login import Login
from broker.model.settings import AppClient, ProviderRecord, UserPool

ALLOWED = frozenset({"identity_provider", "client_id", "redirect_uri", "response_type", "scope"})


def finish_unsolicited(kit: FlowKit, ask: FinishAsk, relay: dict[str, str]) -> tuple[Finished, str]:
    """Sign in by an unasked-for assertion; returns the login and its fresh browser secret. Raises as finish_login does."""
    kit.rates.check("callback", ask.address)
    params = {name: value for name, value in relay.items() if name in ALLOWED}
    trusted = trust(kit, ask.pool, params)
    record = _provider(kit, ask.pool, trusted.client, params.get("identity_provider", ""))
    # PKCE needs a request that the client began; this login has none.
    open_client = _without_pkce(trusted.client)
    request = read_request(kit, ask.pool, Trusted(open_client, trusted.redirect_uri, None), params)
    secret, now = kit.random.token(32), kit.now()
    login = Login(
        handle=kit.random.token(32),
        event_id=kit.random.uuid(),
        pool_id=ask.pool.id,
        request=request,
        browser=secret_hash(secret),
        base_url=ask.base_url,
        created_at=now,
        expires_at=now + timedelta(seconds=LOGIN_SECONDS),
        provider=record.name,
        trace=(kit.line("idp_initiated", provider=record.name, client=request.client_id),),
    )
    identity = verify(kit, ask, login, trusted.client, record)
    burn_keys(kit, identity.burns)
    return complete(kit, ask, trusted.client, record, login, identity), secret


def _provider(kit: FlowKit, pool: UserPool, client: AppClient, name: str) -> ProviderRecord:
    record = live_provider(kit, pool, client, name)
    if record.kind != "saml" or not record.options.get("idp_initiated"):
        raise InvalidRequest(f"provider {record.name} does not allow IdP-initiated sign-in", code="unsolicited_refused")
    return record


def _without_pkce(client: AppClient) -> AppClient:
    if client.token_auth == "none":  # noqa: S105 -- the method's name
        raise InvalidRequest("a public client cannot be signed in to from the provider: it must use PKCE", code="unsolicited_refused")
    return replace(client, require_pkce=False)
