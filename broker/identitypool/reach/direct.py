"""The ways to a role past identity pools: tokens and assertions brought to our STS, other roles, and the operator."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from broker.errors import MalformedPolicy
from broker.identitypool.logins import without_scheme
from broker.identitypool.policy import arns
from broker.identitypool.policy.context import Principal
from broker.identitypool.policy.document import LARGEST_TRUST, Policy, compiled
from broker.identitypool.policy.glob import fold
from broker.identitypool.policy.principals import Level
from broker.identitypool.policy.trust import ASSUME, WITH_SAML, WITH_WEB_IDENTITY
from broker.identitypool.reach.gates import Facts, Gate, Question, Where, both, gate, shortest
from broker.identitypool.reach.path import Path
from broker.identitypool.reach.world import World
from broker.model.iam import Role

ROOT = "the operator's access keys"
_TRUST = "the trust policy of"
_ANY_SESSION = "any-session"


def direct(world: World, role_arn: str) -> Iterator[Path]:
    """Everybody whom the role's trust policy itself lets in. Whom it does not name has no way here that could be blocked."""
    role = world.roles.get(role_arn)
    if role is None:
        return
    try:
        trust = compiled(role.trust, "trust", LARGEST_TRUST)
    except MalformedPolicy:
        return
    yield from _web_identity(world, role_arn, role, trust)
    yield from _saml(world, role_arn, role, trust)
    yield from _operator(world, role_arn, role, trust)
    for source, other in world.roles.items():
        if source != role_arn:
            yield from _hops(world, (role_arn, role, trust), (source, other))


def _tags(role: Role) -> dict[str, str]:
    return {f"{service}:ResourceTag/{key}": value for key, value in role.tags.items() for service in ("aws", "iam")}


def _paths(path: Path, found: Gate) -> Iterator[Path]:
    for way in found.ways:
        yield replace(path, where=way)


def _web_identity(world: World, role_arn: str, role: Role, trust: Policy) -> Iterator[Path]:
    """Tokens of registered issuers, client by client."""
    for provider in world.records.oidc_providers:
        name = without_scheme(provider.url)
        arn = arns.oidc_provider(world.account_id, name)
        for client in provider.client_ids:
            known = {f"{name}:aud": client, "aws:FederatedProvider": arn, **_tags(role)}
            facts = Facts(known, open=(fold(f"{name}:"), "aws:", "sts:"))
            question = Question(WITH_WEB_IDENTITY, role_arn, Principal.federated(arn, name), facts)
            yield from _paths(Path("web_identity", role_arn, arn, through=(client,)), gate(question, [(role.name, trust)], what=_TRUST))


def _saml(world: World, role_arn: str, role: Role, trust: Policy) -> Iterator[Path]:
    """Assertions; the IdP must list the role in them."""
    for provider in world.records.saml_providers:
        arn = arns.saml_provider(world.account_id, provider.name)
        known = {
            "saml:aud": provider.recipient,
            "saml:doc": f"{world.account_id}/{provider.name}",
            "aws:FederatedProvider": arn,
            **_tags(role),
        }
        question = Question(WITH_SAML, role_arn, Principal.federated(arn), Facts(known, open=("saml:", "aws:", "sts:")))
        yield from _paths(Path("saml", role_arn, arn), gate(question, [(role.name, trust)], what=_TRUST))


def _operator(world: World, role_arn: str, role: Role, trust: Policy) -> Iterator[Path]:
    """The operator's keys may do everything, but a role must trust the account."""
    root = f"arn:aws:iam::{world.account_id}:root"
    facts = Facts({"aws:PrincipalArn": root, "aws:PrincipalAccount": world.account_id, **_tags(role)}, open=("aws:", "sts:"))
    question = Question(ASSUME, role_arn, Principal.user(root, world.account_id), facts)
    yield from _paths(Path("operator", role_arn, root), gate(question, [(role.name, trust)], what=_TRUST))


def _hops(world: World, target: tuple[str, Role, Policy], source: tuple[str, Role]) -> Iterator[Path]:
    """From another role's session, of any name and of the names that the trust policy has."""
    role_arn, _, trust = target
    named = {name for each in trust.statements if each.principals for name in each.principals.aws}
    ours = [arns.parse_session(name) for name in sorted(named) if _is_session_of(name, source[1])]
    path = Path("assume_role", role_arn, source[0])
    found = list(_hop(world, target, source, path, _ANY_SESSION))
    for session in ours:
        only = replace(path, where=(f"the session is called {session.session}",))
        found += [hop for hop in _hop(world, target, source, only, session.session) if not any(other.covers(hop) for other in found)]
    if not found and (source[0] in named or ours):
        found = [replace(path, blocked=_refusal(world, target, source))]
    yield from found


def _hop(world: World, target: tuple[str, Role, Policy], source: tuple[str, Role], path: Path, session: str) -> Iterator[Path]:
    trusted, own, limited = _gates(world, target, source, session)
    if own.denied or (limited is not None and limited.denied):
        return
    found: list[Where] = []
    for level, trust_way in trusted.near:
        # A statement that names the role or everybody suffices without an Allow of the role's own, one that names the session without one
        # of its boundary; their Denies count all the same.
        ways = both([trust_way], own.ways if level < Level.ROLE else [own.bars])
        if limited is not None:
            ways = both(ways, limited.ways if level < Level.SESSION else [limited.bars])
        found += ways
    for way in shortest(found):
        yield replace(path, where=tuple(sorted({*path.where, *way})))


def _refusal(world: World, target: tuple[str, Role, Policy], source: tuple[str, Role]) -> str:
    """Why a role that the trust policy names cannot go."""
    trusted, own, limited = _gates(world, target, source, _ANY_SESSION)
    needed = [
        trusted,
        *([own] if own.denied or all(level < Level.ROLE for level, _ in trusted.near) else []),
        *([limited] if limited is not None else []),
    ]
    return next((each.why for each in needed if each.why), "its policies do not allow it")


def _gates(world: World, target: tuple[str, Role, Policy], source: tuple[str, Role], session: str) -> tuple[Gate, Gate, Gate | None]:
    """What the trust policy, the other role's own policies, and its boundary say."""
    (role_arn, role, trust), (arn, other) = target, source
    principal = Principal.session(arn, session)
    known = {"aws:PrincipalArn": arn, "aws:PrincipalAccount": world.account_id, "aws:PrincipalType": "AssumedRole", **_tags(role)}
    # What the session of the other role carries (how its holder signed in, its tags) is his own matter: any key may be there.
    question = Question(ASSUME, role_arn, principal, Facts(known, open=("",)))
    trusted = gate(question, [(role.name, trust)], what=_TRUST)
    try:
        own = gate(question, world.identity_policies(other), what=f"policies of {other.name}:")
        limited = gate(question, [world.managed(other.boundary)], what="boundary") if other.boundary else None
    except MalformedPolicy as malformed:
        return trusted, Gate((), f"{other.name} denies everything: {malformed.private}", denied=True), None
    return trusted, own, limited


def _is_session_of(name: str, role: Role) -> bool:
    try:
        return arns.parse_session(name).role == role.name
    except ValueError:
        return False
