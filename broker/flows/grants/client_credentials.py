"""grant_type=client_credentials (RFC 6749 4.4): an app acts as itself, with resource-server scopes only, and is never a user (P2.16)."""

from __future__ import annotations

from collections.abc import Mapping

from broker.errors import InvalidRequest, InvalidScope, UnauthorizedClient
from broker.flows.kit import FlowKit
from broker.model.settings import AppClient, UserPool
from broker.tokens.claims import MachineAsk
from broker.tokens.issue import TokenSet


def client_credentials(kit: FlowKit, pool: UserPool, client: AppClient, form: Mapping[str, str]) -> TokenSet:
    """An access token alone. Raises UnauthorizedClient, InvalidScope or InvalidRequest."""
    if "client_credentials" not in client.flows or client.token_auth == "none":  # noqa: S105 -- the method's name
        raise UnauthorizedClient("the client may not use client_credentials")
    if "resource" in form:
        raise InvalidRequest("resource cannot be used with client_credentials (spec B.4)")
    granted = tuple(scope for scope in client.scopes if "/" in scope)
    asked = tuple(dict.fromkeys(form["scope"].split())) if form.get("scope") else granted
    if not set(asked) <= set(granted):
        raise InvalidScope(f"scopes that client {client.id} does not have")
    issued = kit.issuer.issue_client_credentials(
        MachineAsk(pool=pool, client=client, scopes=asked, issuer=kit.addresses.issuer(pool), now=kit.now())
    )
    kit.audit("token.issued", "ok", "client_credentials", pool_id=pool.id, client_id=client.id)
    return issued
