"""A verified identity enters the pool: hook, mapping, profile, groups, session and trace, all in one transaction (spec B.11)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from broker.directory import linking, profiles
from broker.errors import UserDisabled
from broker.flows import traces
from broker.flows.kit import FlowKit
from broker.flows.logins import with_line
from broker.flows.sessions import NewSession, open_session
from broker.hooks.inbound import inbound_federation
from broker.mapping.chain import Mapped, check_required, run
from broker.model.login import Login, TraceLine
from broker.model.settings import AppClient, ProviderRecord, UserPool
from broker.model.users import User
from broker.ports.store import Unit
from providers.base import UpstreamIdentity, VerifiedAttributes

# An upstream's tokens can be mapped like any attribute (spec B.9, 9), but a trace is no place for them.
UPSTREAM_TOKENS = frozenset({"access_token", "id_token", "refresh_token"})


@dataclass(frozen=True, slots=True)
class Admitted:
    """Who it is now, the session, and the story so far. `how` says how the profile was found."""

    user: User
    session: NewSession
    how: str
    trace: tuple[TraceLine, ...]


def admit(kit: FlowKit, pool: UserPool, client: AppClient, record: ProviderRecord, login: Login, identity: UpstreamIdentity) -> Admitted:
    """Raises HookRefused, AttributeInvalid, UserDisabled, LinkRefused or Conflict; nothing is written then."""
    identity = _hooked(kit, pool, record, identity)
    with kit.store.unit() as unit:
        mapped = run(pool, client, record, identity)
        reached = linking.reach(unit, record, identity, mapped.attributes, kit.now())
        if reached.user is None:
            user = _create(kit, unit, pool, record, identity, mapped)
        else:
            if not reached.user.enabled:
                raise UserDisabled(f"user {reached.user.sub} is disabled")
            check_required(pool, mapped, reached.user.attributes)
            user = profiles.write_attributes(unit, reached.user, mapped.attributes, kit.now())
        groups = _groups(unit, record, user, mapped, first=reached.user is None)
        session = open_session(kit, unit, pool, login, user, identity)
        profile = {"how": reached.how, "sub": user.sub, "username": user.username, "groups": list(groups)}
        told = _told(kit, login, record, identity, mapped, profile)
        trace = traces.of_login(kit, pool, replace(told, user_sub=user.sub), record, "signed_in")
        unit.traces.put(replace(trace, evidence=traces.evidence_of(identity) if kit.keep_evidence else b""))
    return Admitted(user, session, reached.how, told.trace)


def _hooked(kit: FlowKit, pool: UserPool, record: ProviderRecord, identity: UpstreamIdentity) -> UpstreamIdentity:
    """The inbound federation hook may replace the whole set of claims that mapping will see (spec B.9)."""
    if pool.inbound_federation_hook is None:
        return identity
    replaced = inbound_federation(pool, record.name, linking.provider_type(record.kind), identity.attributes)
    return replace(identity, attributes=VerifiedAttributes(replaced)) if replaced else identity


def _create(kit: FlowKit, unit: Unit, pool: UserPool, record: ProviderRecord, identity: UpstreamIdentity, mapped: Mapped) -> User:
    check_required(pool, mapped, {})
    now = kit.now()
    user = User(
        pool_id=pool.id,
        sub=kit.random.uuid(),
        username=linking.username_of(pool, record, identity),
        status="EXTERNAL_PROVIDER",
        created_at=now,
        updated_at=now,
        attributes=profiles.merged({}, mapped.attributes),
    )
    unit.users.create(user)
    linking.join(unit, record, identity, user, now, primary=True)
    return user


def _groups(unit: Unit, record: ProviderRecord, user: User, mapped: Mapped, *, first: bool) -> tuple[str, ...]:
    """The provider's own group for those it made (spec A.4, 5), and what a group map says; a map governs only the groups it can name."""
    own = {f"{record.pool_id}_{record.name}"} if first else set()
    if mapped.groups is None and not own:
        return tuple(unit.memberships.groups_of(user.pool_id, user.sub))
    governed = mapped.governed_groups if mapped.groups is not None else ()
    return profiles.keep_groups(unit, user, {*own, *(mapped.groups or ())}, governed)


def _told(
    kit: FlowKit, login: Login, record: ProviderRecord, identity: UpstreamIdentity, mapped: Mapped, profile: Mapping[str, Any]
) -> Login:
    arrived = {name: _short(value) for name, value in identity.attributes.items() if name not in UPSTREAM_TOKENS}
    lines = [
        kit.line(
            "upstream", provider=record.name, issuer=identity.issuer, subject=_short(identity.subject), attributes=arrived,
            acr=identity.acr, amr=list(identity.amr), notes=list(identity.notes),
        ),
        *(kit.line("mapping", line.outcome, **line.told()) for line in mapped.lines),
        kit.line("profile", **profile),
    ]  # fmt: skip
    return with_line(login, *lines)


def _short(value: object) -> object:
    """Values are told, long ones cut: a trace explains, the sealed evidence holds the whole."""
    if isinstance(value, str):
        return value if len(value) <= 200 else value[:200] + "…"
    if isinstance(value, list | tuple):
        return [_short(one) for one in list(value)[:20]]
    return value if isinstance(value, bool | int | float | type(None)) else _short(str(value))
