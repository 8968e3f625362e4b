"""grant_type=refresh_token (RFC 6749 6, spec A.7): with rotation each use retires the token, and using a retired one ends the family."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from broker.errors import InvalidGrant, InvalidRequest, InvalidScope
from broker.flows.grants import tokens
from broker.flows.kit import FlowKit
from broker.flows.logins import secret_hash
from broker.model.login import RefreshFamily
from broker.model.settings import AppClient, UserPool
from broker.ports.store import Reused
from broker.tokens.issue import TokenSet


def refresh(kit: FlowKit, pool: UserPool, client: AppClient, form: Mapping[str, str]) -> TokenSet:
    """Fresh tokens of the same family. Raises InvalidRequest, InvalidScope or InvalidGrant.

    A refusal that is the client's own mistake (a wider scope, another client's token) leaves the family as it was.
    """
    if not form.get("refresh_token"):
        raise InvalidRequest("refresh_token is missing")
    hashed = secret_hash(form["refresh_token"])
    # Read, sign, write: no lock is held while a key signs or a hook runs, and a refused hook costs the client no token.
    with kit.store.unit() as unit:
        family = unit.refreshes.find(hashed)
        ask = None
        if family is not None:
            scopes = _check(pool, client, family, form)
            ask = replace(tokens.ask_for(kit, unit, pool, client, family), scopes=scopes)
    if family is None or ask is None:
        raise _unknown(kit, pool, client, hashed)
    issued = kit.issuer.issue(replace(ask, trigger_source="TokenGeneration_RefreshTokens"))
    successor = None
    if client.rotation:
        successor = kit.random.token(48)
        _rotate(kit, pool, client, hashed, successor)
    return tokens.told(kit, pool, client, family, "refresh_token", replace(issued, refresh_token=successor))


def _rotate(kit: FlowKit, pool: UserPool, client: AppClient, hashed: str, successor: str) -> None:
    with kit.store.unit() as unit:
        advanced = unit.refreshes.advance(hashed, secret_hash(successor), kit.now(), client.rotation_grace)
    if isinstance(advanced, Reused):
        kit.audit("refresh.reused", "refused", "refresh_reused", {"origin_jti": advanced.family.id}, pool_id=pool.id, client_id=client.id)
        raise InvalidGrant("a retired refresh token was used again; its family is revoked", code="refresh_reused")
    if advanced is None:
        raise InvalidGrant("the refresh token was revoked meanwhile", code="refresh_unknown")


def _unknown(kit: FlowKit, pool: UserPool, client: AppClient, hashed: str) -> InvalidGrant:
    """The error for a token that is not current. If it was retired by rotation, its reuse ends the family, whoever shows it."""
    if client.rotation:
        _rotate(kit, pool, client, hashed, kit.random.token(48))
    return InvalidGrant("no such refresh token, or it is revoked or over", code="refresh_unknown")


def _check(pool: UserPool, client: AppClient, family: RefreshFamily, form: Mapping[str, str]) -> tuple[str, ...]:
    """The scopes of the new tokens: those asked for, which may be fewer than were granted and never more (RFC 6749 6)."""
    if family.pool_id != pool.id or family.client_id != client.id:
        raise InvalidGrant("the refresh token was issued to another client", code="refresh_of_other_client")
    asked = tuple(dict.fromkeys(form.get("scope", "").split())) or family.scopes
    if not set(asked) <= set(family.scopes):
        raise InvalidScope("a refresh cannot widen the scope (RFC 6749 6)")
    return asked
