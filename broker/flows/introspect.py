"""Token introspection (RFC 7662): a confidential client asks about its own tokens, and learns nothing of anybody else's (P3.4)."""

from __future__ import annotations

from typing import Any

from broker.errors import InvalidClient, InvalidGrant, InvalidRequest, InvalidToken
from broker.flows.bearer import alive
from broker.flows.grants.client_auth import Credentials, authenticate
from broker.flows.grants.tokens import live_user
from broker.flows.kit import FlowKit
from broker.flows.logins import secret_hash
from broker.model.settings import AppClient, UserPool

INACTIVE: dict[str, Any] = {"active": False}


def introspect(kit: FlowKit, pool: UserPool, given: Credentials) -> dict[str, Any]:
    """The token's claims with `active`, or `{"active": false}`. Raises InvalidRequest or InvalidClient."""
    client = authenticate(kit, pool, given)
    if client.token_auth == "none":  # noqa: S105 -- the method's name
        raise InvalidClient("a public client cannot introspect")
    token = given.form.get("token")
    if not token:
        raise InvalidRequest("token is missing")
    return _access(kit, pool, client, token) if token.count(".") == 2 else _refresh(kit, pool, client, token)


def _access(kit: FlowKit, pool: UserPool, client: AppClient, token: str) -> dict[str, Any]:
    try:
        verified = kit.verifier.verify(pool.id, token, client_id=client.id)
    except InvalidToken:
        return INACTIVE
    if verified.sub != verified.client_id:
        with kit.store.unit() as unit:
            if alive(unit, verified) is None:
                return INACTIVE
    # Ours come last: a hook may have named a claim like one of them.
    return {**verified.claims, "active": True, "token_type": "Bearer"}


def _refresh(kit: FlowKit, pool: UserPool, client: AppClient, token: str) -> dict[str, Any]:
    with kit.store.unit() as unit:
        family = unit.refreshes.find(secret_hash(token))
        if family is None or family.pool_id != pool.id or family.client_id != client.id:
            return INACTIVE
        try:
            user = live_user(kit, unit, family)
        except InvalidGrant:
            return INACTIVE  # it would not be honoured, so it is not said to be good
    return {
        "active": True,
        "token_type": "refresh_token",
        "client_id": client.id,
        "sub": family.user_sub,
        "username": user.username,
        "scope": " ".join(family.scopes),
        "iss": kit.addresses.issuer(pool),
        "iat": int(family.created_at.timestamp()),
        "exp": int(family.expires_at.timestamp()),
    }
