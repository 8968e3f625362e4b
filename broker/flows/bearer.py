"""Access tokens as our own API takes them: verified, alive, and with the scope that is needed (RFC 6750, P3.1)."""

from __future__ import annotations

from broker.errors import InsufficientScope, InvalidToken
from broker.flows.kit import FlowKit
from broker.model.settings import UserPool
from broker.model.users import User
from broker.ports.store import Unit
from broker.tokens.verify import VerifiedToken


def bearer(kit: FlowKit, pool: UserPool, token: str, scope: str) -> tuple[VerifiedToken, User]:
    """The token and its user.

    Raises InvalidToken (expired, revoked, of another pool or resource, user gone or disabled) or InsufficientScope.
    """
    verified = kit.verifier.verify(pool.id, token)
    if verified.claims.get("aud", verified.client_id) != verified.client_id:
        # Bound to somebody's API (RFC 8707 2): that API, which gets to see the token, is not to ask in the user's name here.
        raise InvalidToken("the token is bound to another resource")
    with kit.store.unit() as unit:
        user = alive(unit, verified)
    if user is None:
        raise InvalidToken("the token is revoked, or its user is gone or disabled")
    if scope not in verified.scopes:
        raise InsufficientScope(f"the token lacks {scope}")
    return verified, user


def alive(unit: Unit, verified: VerifiedToken) -> User | None:
    """The user of a token that has not been revoked; None for a machine's token, a revoked one, or a user who is gone or disabled."""
    if verified.sub == verified.client_id:
        return None
    if verified.family is not None and unit.refreshes.is_revoked(verified.pool_id, verified.family):
        return None
    user = unit.users.get(verified.pool_id, verified.sub)
    return user if user is not None and user.enabled else None
