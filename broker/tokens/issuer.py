"""The `iss` of a pool, in one place: what signs and what verifies must agree to the letter."""

from __future__ import annotations

from broker.model.settings import UserPool


def issuer_url(public_url: str, pool: UserPool) -> str:
    """The pool's own `issuer` if it has one, else `{public_url}/{pool_id}`. No trailing slash is added or taken from the pool's own."""
    return pool.issuer or f"{public_url.rstrip('/')}/{pool.id}"
