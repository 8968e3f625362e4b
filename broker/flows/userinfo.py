"""userInfo (OpenID Connect Core 5.3, spec B.5): the user as the token's scopes let the client see him, every value a string."""

from __future__ import annotations

from broker.errors import InvalidToken
from broker.flows.bearer import bearer
from broker.flows.kit import FlowKit
from broker.model.settings import UserPool
from broker.tokens.claims import user_info


def userinfo(kit: FlowKit, pool: UserPool, token: str) -> dict[str, str]:
    """Raises InvalidToken, or InsufficientScope without `openid`."""
    verified, user = bearer(kit, pool, token, "openid")
    client = kit.settings.client(pool.id, verified.client_id)
    if client is None or not client.enabled:
        raise InvalidToken("the client is gone or disabled")
    return user_info(user, client, verified.scopes)
