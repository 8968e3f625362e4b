"""Making tokens for a user, the same way for every grant: one token format, whatever the provider."""

from __future__ import annotations

from broker.errors import InvalidGrant
from broker.flows.kit import FlowKit
from broker.model.login import RefreshFamily
from broker.model.settings import AppClient, Group, UserPool
from broker.model.users import User
from broker.ports.store import Unit
from broker.tokens.claims import IssueAsk
from broker.tokens.issue import TokenSet


def live_user(kit: FlowKit, unit: Unit, family: RefreshFamily) -> User:
    """The user, if still enabled, and if the provider that vouched is still live (J20, R3.17). Raises InvalidGrant."""
    user = unit.users.get(family.pool_id, family.user_sub)
    if user is None or not user.enabled:
        raise InvalidGrant(f"user {family.user_sub} is gone or disabled", code="user_disabled")
    if family.provider is not None:
        record = kit.settings.provider(family.pool_id, family.provider)
        if record is None or record.state != "live":
            raise InvalidGrant(f"provider {family.provider} is no longer live", code="provider_unavailable")
    return user


def ask_for(kit: FlowKit, unit: Unit, pool: UserPool, client: AppClient, family: RefreshFamily) -> IssueAsk:
    """Everything the token issuer needs, read now: attributes and groups are evaluated anew at every refresh (spec A.7).

    Raises InvalidGrant if the user or the provider may no longer sign in.
    """
    user = live_user(kit, unit, family)
    names = set(unit.memberships.groups_of(pool.id, user.sub))
    known = {group.name: group for group in kit.settings.groups(pool.id)} if names else {}
    return IssueAsk(
        pool=pool,
        client=client,
        user=user,
        groups=tuple(known.get(name) or Group(pool.id, name) for name in sorted(names)),
        identities=tuple(unit.identities.of_user(pool.id, user.sub)),
        scopes=family.scopes,
        family=family.id,
        event_id=family.event_id,
        auth_time=family.auth_time,
        resource=family.resource,
        amr=family.amr,
        acr=family.acr,
        sid=family.session_id,
        issuer=kit.addresses.issuer(pool),
        now=kit.now(),
    )


def told(kit: FlowKit, pool: UserPool, client: AppClient, family: RefreshFamily, grant: str, issued: TokenSet) -> TokenSet:
    """Audit an issue; hands the tokens through."""
    kit.audit(
        "token.issued", "ok", grant, {"event_id": family.event_id, "origin_jti": family.id, "id_token": issued.id_token is not None},
        pool_id=pool.id, client_id=client.id, provider=family.provider, user_sub=family.user_sub,
    )  # fmt: skip
    return issued
