"""The ways to a role through identity pools: what each pool hands out to whom, and what the role's trust policy says of that."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from broker.errors import MalformedPolicy
from broker.identitypool.assume import pool_aliases, pool_names
from broker.identitypool.logins import without_scheme
from broker.identitypool.openid import GUEST_AMR, SIGNED_IN
from broker.identitypool.policy.context import COGNITO, Principal
from broker.identitypool.policy.document import LARGEST_TRUST, Policy, compiled
from broker.identitypool.policy.glob import fold
from broker.identitypool.policy.trust import TAG_SESSION, WITH_WEB_IDENTITY, fit_for_classic_flow
from broker.identitypool.reach.gates import Facts, Question, Where, both, gate
from broker.identitypool.reach.path import Kind, Path
from broker.identitypool.reach.world import World
from broker.identitypool.rules import mapping_of
from broker.identitypool.tags import tag_map_of
from broker.identitypool.writable import writable_claims
from broker.model.identity import IdentityPool, RoleMapping, RoleRule
from broker.model.settings import AppClient, UserPool
from broker.model.sts import Proof

SESSION_NAME = "CognitoIdentityCredentials"
Kinds = Literal["user_pool", "oidc", "social", "saml", "developer"]


@dataclass(frozen=True, slots=True)
class Source:
    """A provider of a pool: `key` is what its role mapping goes by, `login` its name in `amr`. `gone` says why its logins do not count."""

    kind: Kinds
    key: str
    login: str
    through: tuple[str, ...] = ()
    hook: str = ""
    gone: str = ""

    @property
    def proof(self) -> Proof:
        """One of its logins, to ask by."""
        return Proof(self.kind, self.login, "", self.key)


def sources(world: World, pool: IdentityPool) -> Iterator[Source]:
    """Everybody who vouches for people of this pool."""
    for each in pool.user_pools:
        key = f"{each.provider}:{each.client_id}"
        found = world.clients.get(f"{each.provider.rpartition('/')[2]}:{each.client_id}")
        if found is None:
            yield Source("user_pool", key, each.provider, gone="its user pool or app client is not there, or is disabled")
        else:
            users, client = found
            yield Source("user_pool", key, each.provider, world.upstreams(client), users.pre_token_hook or "")
    issuers = {each.url: each for each in world.records.oidc_providers}
    for arn in pool.oidc_providers:
        record = issuers.get(arn.partition(":oidc-provider/")[2])
        if record is None:
            yield Source("oidc", arn, arn.partition(":oidc-provider/")[2], gone="the OpenID provider is not there")
        else:
            yield Source("oidc", arn, without_scheme(record.issuer), tuple(sorted(record.client_ids)))
    known = {each.name for each in world.records.saml_providers}
    for arn in pool.saml_providers:
        yield Source("saml", arn, arn, gone="" if arn.rpartition("/")[2] in known else "the SAML provider is not there")
    for host, app in pool.social.items():
        yield Source("social", host, host, (app,))
    if pool.developer_provider:
        yield Source("developer", pool.developer_provider, pool.developer_provider)


def entries(world: World, role_arn: str) -> Iterator[Path]:
    """Every way, blocked ones among them."""
    for pool in world.records.identity_pools:
        if pool.enabled:
            yield from _Pool(world, pool, role_arn).paths()


@dataclass(frozen=True, slots=True)
class _Pool:
    """One pool and the role."""

    world: World
    pool: IdentityPool
    role: str

    def paths(self) -> Iterator[Path]:
        every = tuple(sources(self.world, self.pool))
        for source in every:
            for offered in self._offers(source):
                yield from self._judged(replace(offered, through=source.through, blocked=source.gone), source)
        if self.pool.unauthenticated_role == self.role:
            guest = self._path("guest", "")
            yield from self._judged(replace(guest, blocked="" if self.pool.allow_guests else "guests are off in this pool"), None)
        if self.pool.allow_classic:
            yield from self._classic(every)

    def _path(self, kind: Kind, provider: str, *where: str) -> Path:
        return Path(kind, self.role, self.pool.id, provider, tuple(sorted(where)))

    def _offers(self, source: Source) -> Iterator[Path]:
        """What the pool gives to people of this provider, before anybody asks the role."""
        default = self.pool.authenticated_role == self.role
        if source.kind == "developer":
            yield from [self._path("developer", source.key)] if default else []
            return
        key, mapping = mapping_of(self.pool, source.proof)
        if source.kind == "saml":
            yield self._path("assertion", key)
            if default and mapping is not None and mapping.ambiguous == "AuthenticatedRole":
                yield self._path("ambiguous", key, "the assertion lists no role, or several")
        elif mapping is None:
            yield from [self._path("default", source.key)] if default else []
        elif mapping.type == "Token":
            yield from self._by_token(source, key)
            if default and mapping.ambiguous == "AuthenticatedRole":
                yield self._path("ambiguous", key, "the token names no role, or several and prefers none")
        else:
            yield from self._by_rules(key, mapping)
            if default and mapping.ambiguous == "AuthenticatedRole":
                yield self._path("ambiguous", key, *(f"not {condition(rule)}" for rule in mapping.rules))

    def _by_token(self, source: Source, key: str) -> Iterator[Path]:
        """Whoever is in several groups may ask for the role of any of them, so precedence keeps nobody out."""
        if source.kind != "user_pool":
            yield self._path("token", key)
            return
        users = source.login.rpartition("/")[2]
        for group in self.world.groups(users, self.role):
            yield self._path("group", key, f"member of group {group.name} of {users}")
        if source.hook:
            yield self._path("hook", key, f"the hook {source.hook} says so")

    def _by_rules(self, key: str, mapping: RoleMapping) -> Iterator[Path]:
        """Who is let in by several rules may ask for the role of any of them, so their order keeps nobody out."""
        written = {(each.provider, each.rule): each.why for each in writable_claims(self.pool, self._clients())}
        for number, rule in enumerate(mapping.rules, start=1):
            if rule.role_arn == self.role:
                yield replace(self._path("rule", key, condition(rule)), self_written=written.get((key, number), ""))

    def _clients(self) -> dict[str, tuple[UserPool, AppClient]]:
        named = (
            (f"{each.provider}:{each.client_id}", f"{each.provider.rpartition('/')[2]}:{each.client_id}") for each in self.pool.user_pools
        )
        return {key: self.world.clients[known] for key, known in named if known in self.world.clients}

    # --- the role's word on it ------------------------------------------------------------------------------------------------------------

    def _judged(self, path: Path, source: Source | None) -> Iterator[Path]:
        """The path once for each way through the trust policy, or blocked."""
        if path.blocked:
            yield path
            return
        if not self.world.embedded:
            yield replace(path, where=(*path.where, "the other STS lets it in"))
            return
        role = self.world.roles.get(self.role)
        if role is None:
            yield replace(path, blocked="the role is not there, or is disabled")
            return
        try:
            ways = self._ways(compiled(role.trust, "trust", LARGEST_TRUST), role.name, source)
        except _Refused as refused:
            yield replace(path, blocked=str(refused))
        except MalformedPolicy as malformed:
            yield replace(path, blocked=malformed.private)
        else:
            for way in ways:
                yield replace(path, where=tuple(sorted({*path.where, *way})))

    def _ways(self, trust: Policy, name: str, source: Source | None) -> Sequence[Where]:
        entered = self._ask(WITH_WEB_IDENTITY, self._facts(source), trust, name)
        tag_map = tag_map_of(self.pool, source.proof)[1] if source is not None else None
        if tag_map is None or not (tag_map.tags or tag_map.use_defaults):
            return entered
        # Of several logins the first that has a tag map gives the tags: only where all maps are the default are there always some.
        always = all(each.use_defaults for each in self.pool.tag_maps.values())
        try:
            tagged = self._ask(TAG_SESSION, self._facts(source), trust, name)
        except _Refused:
            if always:
                raise
            return both(entered, [("no claim for a principal tag is there",)])
        return both(entered, tagged) if always else entered

    def _ask(self, action: str, facts: Facts, trust: Policy, name: str) -> Sequence[Where]:
        principal = Principal.federated(*pool_names(self.world.identity_base, self.world.account_id, self.pool.id))
        found = gate(Question(action, self.role, principal, facts), [(name, trust)], what="the trust policy of")
        if not found.ways:
            raise _Refused(found.why)
        return found.ways

    def _facts(self, source: Source | None, *, classic: bool = False) -> Facts:
        names = (COGNITO, *pool_aliases(self.world.identity_base, self.pool.id)[COGNITO])
        amr = GUEST_AMR if source is None else (SIGNED_IN, source.login)
        known = {"aws:FederatedProvider": COGNITO}
        known |= {} if classic else {"sts:RoleSessionName": SESSION_NAME}
        for key, value in self.world.roles[self.role].tags.items():
            known[f"aws:ResourceTag/{key}"] = known[f"iam:ResourceTag/{key}"] = value
        moment = ("aws:currenttime", "aws:epochtime")
        tagged = self._tag_keys(source)
        return Facts(
            {**known, **{f"{name}:aud": self.pool.id for name in names}, **{f"{name}:amr": amr for name in names}},
            open=(*(fold(f"{name}:sub") for name in names), *(("aws:", "sts:") if classic else (*moment, *tagged))),
            partly=frozenset(fold(f"{name}:amr") for name in names) if source is not None else frozenset(),
        )

    def _tag_keys(self, source: Source | None) -> tuple[str, ...]:
        """The context keys of tags that may be there: those of any login's map, as several may be shown. A backend gives what it likes."""
        if source is None:
            return ()
        if source.kind == "developer":
            return "aws:tagkeys", "aws:requesttag/"
        tags = {tag for each in self.pool.tag_maps.values() for tag in (("client", "username") if each.use_defaults else each.tags)}
        return ("aws:tagkeys", *(fold(f"aws:RequestTag/{tag}") for tag in sorted(tags))) if tags else ()

    def _classic(self, every: Sequence[Source]) -> Iterator[Path]:
        """The classic flow: whoever has the pool's token chooses the role himself, and only its trust policy is asked (row IP-S1.4)."""
        role = self.world.roles.get(self.role)
        if role is None:
            return
        people: list[Source | None] = [source for source in every if source.kind == "developer"]
        if not self.pool.mappings:
            people = [source for source in every if source.kind != "saml"]
            people += [None] if self.pool.allow_guests else []
        issuer = pool_aliases(self.world.identity_base, self.pool.id)[COGNITO]
        try:
            trust = compiled(role.trust, "trust", LARGEST_TRUST)
            if not fit_for_classic_flow(trust, issuer):
                return
        except MalformedPolicy:
            return
        for source in people:
            if source is not None and source.gone:
                continue
            try:
                ways = self._ask(WITH_WEB_IDENTITY, self._facts(source, classic=True), trust, role.name)
            except _Refused:
                continue  # nothing says that this pool should lead there
            path = replace(self._path("classic", source.key if source is not None else "guest"), through=source.through if source else ())
            for way in ways:
                yield replace(path, where=way)


class _Refused(Exception):
    """The trust policy does not let it in; the words say why."""


def condition(rule: RoleRule) -> str:
    """A rule's condition, as paths write it."""
    if rule.expression:
        return f"expression {rule.expression}"
    return f"claim {rule.claim} {rule.match} {json.dumps(rule.value, ensure_ascii=False)}"
