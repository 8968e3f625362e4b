"""A verified identity enters the pool: hook, mapping, profile, groups, session and trace, all in one transaction (spec B.11)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from broker.directory import linking, profiles
from broker.errors import AccessDenied, BrokerError, Conflict, UserDisabled
from broker.flows import traces
from broker.flows.kit import FlowKit
from broker.flows.logins import with_line
from broker.flows.next_step import Issue, Sight, next_step
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

# How often a sign-in tries to enter before a conflict is believed.
ENTERS = 3


@dataclass(frozen=True, slots=True)
class Admitted:
    """Who it is now, the session, and the login as it stands. `how` says how the profile was found.

    `issues`: nothing is left to ask, and the trace that was kept says already that a code goes out.
    """

    user: User
    session: NewSession
    how: str
    login: Login
    issues: bool


class AdmissionRefused(Exception):
    """Why not, with what had been found out by then: a trace is read most when the sign-in failed."""

    def __init__(self, error: BrokerError, lines: tuple[TraceLine, ...]) -> None:
        super().__init__(str(error))
        self.error = error
        self.lines = lines


def admit(kit: FlowKit, pool: UserPool, client: AppClient, record: ProviderRecord, login: Login, identity: UpstreamIdentity) -> Admitted:
    """Raises AdmissionRefused around HookRefused, AttributeInvalid, UserDisabled, LinkRefused, LoginRequired, AccessDenied or Conflict;
    nothing is written then.
    """
    lines = [_arrived(kit, record, identity)]
    try:
        identity = _hooked(kit, pool, record, identity)
        mapped = run(pool, client, record, identity)
        lines += [kit.line("mapping", line.outcome, **line.told()) for line in mapped.lines]
        return _enter_at_last(kit, _Arrival(pool, client, record, with_line(login, *lines), identity, mapped))
    except BrokerError as error:
        raise AdmissionRefused(error, tuple(lines)) from error


@dataclass(frozen=True, slots=True)
class _Arrival:
    """An identity at the pool's door, with what it brings."""

    pool: UserPool
    client: AppClient
    record: ProviderRecord
    login: Login
    identity: UpstreamIdentity
    mapped: Mapped


def _enter_at_last(kit: FlowKit, come: _Arrival) -> Admitted:
    """Enter, and look again when somebody else wrote the same meanwhile: one person's first sign-ins in several tabs (spec B.7).

    The upstream's answer is burned by now, so the user could not mend a refusal by trying the same again.
    """
    for _ in range(ENTERS - 1):
        try:
            with kit.store.unit() as unit:
                return _enter(kit, unit, come)
        except Conflict:
            continue
    try:
        with kit.store.unit() as unit:
            return _enter(kit, unit, come)
    except Conflict as conflict:
        raise _shut_out(kit, come) or conflict from conflict


def _shut_out(kit: FlowKit, come: _Arrival) -> BrokerError | None:
    """Why a newcomer's username is taken: he was unlinked from what he made (spec B.10), or his subject differs in case alone."""
    with kit.store.unit() as unit:
        owner = unit.users.by_username(come.pool.id, linking.username_of(come.pool, come.record, come.identity))
        known = unit.identities.find(come.pool.id, come.record.name, come.identity.subject_key)
    if owner is None or known is not None:
        return None
    return AccessDenied(
        f"user {owner.sub} has this username, and no link to this identity: link it again, or delete the profile",
        public="This sign-in is no longer connected to your account. Please ask your administrator.",
        code="identity_unlinked",
    )


def _enter(kit: FlowKit, unit: Unit, come: _Arrival) -> Admitted:
    now = kit.now()
    reached = linking.reach(unit, come.record, come.identity, come.mapped.attributes, now)
    if reached.user is None:
        user = _create(kit, unit, come)
    else:
        if not reached.user.enabled:
            raise UserDisabled(f"user {reached.user.sub} is disabled")
        check_required(come.pool, come.mapped, reached.user.attributes)
        user = profiles.write_attributes(unit, reached.user, come.mapped.attributes, now)
    groups = _groups(unit, come.record, user, come.mapped, first=reached.user is None)
    session = open_session(kit, unit, come.pool, come.login, user, come.identity)
    profile = kit.line("profile", how=reached.how, sub=user.sub, username=user.username, groups=list(groups))
    going = replace(come.login, memo=b"", session_id=session.session.id, user_sub=user.sub, trace=(*come.login.trace, profile))
    # What was agreed to before is not looked up here: a third-party client takes the longer way.
    issues = isinstance(next_step(going, Sight(come.client, ())), Issue)
    if issues:
        going = with_line(going, kit.line("code", sid=session.session.id))
    trace = traces.of_login(kit, come.pool, going, come.record, "code_issued" if issues else "signed_in")
    unit.traces.put(replace(trace, evidence=traces.evidence_of(come.identity) if kit.keep_evidence else b""))
    return Admitted(user, session, reached.how, going, issues)


def _hooked(kit: FlowKit, pool: UserPool, record: ProviderRecord, identity: UpstreamIdentity) -> UpstreamIdentity:
    """The inbound federation hook may replace the whole set of claims that mapping will see (spec B.9)."""
    if pool.inbound_federation_hook is None:
        return identity
    replaced = inbound_federation(pool, record.name, linking.provider_type(record.kind), identity.attributes)
    return replace(identity, attributes=VerifiedAttributes(replaced)) if replaced else identity


def _create(kit: FlowKit, unit: Unit, come: _Arrival) -> User:
    check_required(come.pool, come.mapped, {})
    now = kit.now()
    user = User(
        pool_id=come.pool.id,
        sub=kit.random.uuid(),
        username=linking.username_of(come.pool, come.record, come.identity),
        status="EXTERNAL_PROVIDER",
        created_at=now,
        updated_at=now,
        attributes=profiles.merged({}, come.mapped.attributes),
    )
    unit.users.create(user)
    linking.join(unit, come.record, come.identity, user, now, primary=True)
    return user


def _groups(unit: Unit, record: ProviderRecord, user: User, mapped: Mapped, *, first: bool) -> tuple[str, ...]:
    """The provider's own group for those it made (spec A.4, 5), and what a group map says; a map governs only the groups it can name."""
    own = {f"{record.pool_id}_{record.name}"} if first else set()
    if mapped.groups is None and not own:
        return tuple(unit.memberships.groups_of(user.pool_id, user.sub))
    governed = mapped.governed_groups if mapped.groups is not None else ()
    return profiles.keep_groups(unit, user, {*own, *(mapped.groups or ())}, governed)


def _arrived(kit: FlowKit, record: ProviderRecord, identity: UpstreamIdentity) -> TraceLine:
    arrived = {name: _short(value) for name, value in identity.attributes.items() if name not in UPSTREAM_TOKENS}
    return kit.line(
        "upstream", provider=record.name, issuer=identity.issuer, subject=_short(identity.subject), attributes=arrived,
        acr=identity.acr, amr=list(identity.amr), notes=list(identity.notes),
    )  # fmt: skip


def _short(value: object) -> object:
    """Values are told, long ones cut: a trace explains, the sealed evidence holds the whole."""
    if isinstance(value, str):
        return value if len(value) <= 200 else value[:200] + "…"
    if isinstance(value, list | tuple):
        return [_short(one) for one in list(value)[:20]]
    return value if isinstance(value, bool | int | float | type(None)) else _short(str(value))
