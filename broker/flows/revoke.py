"""Token revocation (RFC 7009, spec B.5): a refresh token and everything of its family."""

from __future__ import annotations

from broker.errors import InvalidRequest, UnsupportedTokenType
from broker.flows.grants.client_auth import Credentials, authenticate
from broker.flows.kit import FlowKit
from broker.flows.logins import secret_hash
from broker.model.settings import UserPool


def revoke(kit: FlowKit, pool: UserPool, given: Credentials) -> None:
    """End the family of a refresh token. An unknown token, or another client's, is no error and has no effect (RFC 7009 2.2, P3.4).

    Raises InvalidRequest, InvalidClient, or UnsupportedTokenType for anything that looks like a JWT of ours.
    """
    client = authenticate(kit, pool, given)
    token = given.form.get("token")
    if not token:
        raise InvalidRequest("token is missing")
    if not client.revocation:
        raise InvalidRequest("token revocation is disabled for this client")
    if token.count(".") == 2:
        raise UnsupportedTokenType("only refresh tokens can be revoked")
    with kit.store.unit() as unit:
        family = unit.refreshes.find(secret_hash(token))
        if family is None or family.client_id != client.id or family.pool_id != pool.id:
            return
        unit.refreshes.revoke(pool.id, family=family.id)
    kit.audit("token.revoked", "ok", "", {"origin_jti": family.id}, pool_id=pool.id, client_id=client.id, user_sub=family.user_sub)
