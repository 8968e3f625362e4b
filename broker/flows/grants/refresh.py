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
from broker.ports.store import Reused, Unit
from broker.tokens.issue import TokenSet


def refresh(kit: FlowKit, pool: UserPool, client: AppClient, form: Mapping[str, str]) -> TokenSet:
    """Fresh tokens of the same family. Raises InvalidRequest, InvalidScope or InvalidGrant.

    A refusal that is the client's own mistake (a wider scope, another client's token) leaves the family as it was.
    """
    if not form.get("refresh_token"):
        raise InvalidRequest("refresh_token is missing")
    successor = kit.random.token(48) if client.rotation else None
    with kit.store.unit() as unit:
        done = _refresh(kit, unit, pool, client, form, successor)
    if isinstance(done, Reused):  # outside the unit: the revocation it stands for must be written
        kit.audit("refresh.reused", "refused", "refresh_reused", {"origin_jti": done.family.id}, pool_id=pool.id, client_id=client.id)
        raise InvalidGrant("a retired refresh token was used again; its family is revoked", code="refresh_reused")
    family, issued = done
    return tokens.told(kit, pool, client, family, "refresh_token", replace(issued, refresh_token=successor))


def _refresh(
    kit: FlowKit, unit: Unit, pool: UserPool, client: AppClient, form: Mapping[str, str], successor: str | None
) -> tuple[RefreshFamily, TokenSet] | Reused:
    token = form["refresh_token"]
    family = unit.refreshes.find(secret_hash(token))
    if family is not None:
        _check(pool, client, family, form)
    advanced = _advance(kit, unit, client, token, successor, family)
    if isinstance(advanced, Reused):
        return advanced
    user = tokens.live_user(kit, unit, advanced)
    ask = tokens.ask_for(kit, unit, pool, client, advanced, user)
    return advanced, kit.issuer.issue(replace(ask, trigger_source="TokenGeneration_RefreshTokens"))


def _check(pool: UserPool, client: AppClient, family: RefreshFamily, form: Mapping[str, str]) -> None:
    if family.pool_id != pool.id or family.client_id != client.id:
        raise InvalidGrant("the refresh token was issued to another client", code="refresh_of_other_client")
    asked = form.get("scope")
    if asked is not None and not set(asked.split()) <= set(family.scopes):
        raise InvalidScope("a refresh cannot widen the scope (RFC 6749 6)")


def _advance(
    kit: FlowKit, unit: Unit, client: AppClient, token: str, successor: str | None, family: RefreshFamily | None
) -> RefreshFamily | Reused:
    if successor is None:
        if family is None:
            raise InvalidGrant("no such refresh token, or it is revoked or over", code="refresh_unknown")
        return family
    advanced = unit.refreshes.advance(secret_hash(token), secret_hash(successor), kit.now(), client.rotation_grace)
    if advanced is None:
        raise InvalidGrant("no such refresh token, or it is revoked or over", code="refresh_unknown")
    return advanced if isinstance(advanced, Reused) else advanced.family
