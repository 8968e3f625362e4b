"""The token endpoint's dispatch: a literal table of the grants we offer."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from broker.errors import BrokerError, InvalidRequest, UnauthorizedClient, UnsupportedGrantType
from broker.flows.grants.client_auth import Credentials, authenticate
from broker.flows.grants.client_credentials import client_credentials
from broker.flows.grants.code import redeem_code
from broker.flows.grants.refresh import refresh
from broker.flows.kit import FlowKit
from broker.model.settings import AppClient, UserPool
from broker.tokens.issue import TokenSet

GRANTS: Mapping[str, Callable[[FlowKit, UserPool, AppClient, Mapping[str, str]], TokenSet]] = {
    "authorization_code": redeem_code,
    "refresh_token": refresh,
    "client_credentials": client_credentials,
}


def exchange(kit: FlowKit, pool: UserPool, given: Credentials) -> TokenSet:
    """Authenticate the client, then run the grant it names. Raises what they raise, and UnsupportedGrantType."""
    kind = given.form.get("grant_type")
    if kind is None:
        raise InvalidRequest("grant_type is missing")
    grant = GRANTS.get(kind)
    if grant is None:
        raise UnsupportedGrantType(f"grant_type {kind!r:.80}")
    client = authenticate(kit, pool, given)
    if kind == "authorization_code" and client.flows == ("client_credentials",):
        raise UnauthorizedClient("the client may only use client_credentials")
    try:
        return grant(kit, pool, client, given.form)
    except BrokerError as refused:
        kit.audit("token.refused", "refused", refused.code, {"private": refused.private}, pool_id=pool.id, client_id=client.id)
        raise
