"""Developer-authenticated identities: the operator's own backend vouches for its users (spec D.6, attacks IP-S3.*).

Every call here is signed; the face has judged the signature and the caller's rights on the pool before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from broker.api_errors import DeveloperUserRegistered, InvalidParameter, NotAuthorized, ResourceConflict, ResourceNotFound
from broker.flows.access_kit import AccessKit
from broker.flows.identity import paging
from broker.flows.identity.lookups import NOT_SUPPORTED, of_pool, pool_of, refusals_told
from broker.flows.identity.proofs import verify_logins
from broker.flows.identity.reach import MAX_LOGINS, Story, attach, keys_of, owners_of, reach, settled, with_logins
from broker.flows.identity.signing_in import TokenFor, make_token
from broker.identitypool.openid import DEVELOPER_TTL, LONGEST_DEVELOPER_TTL, amr_of
from broker.identitypool.tags import tags_fault
from broker.model.identity import IdentityPool, PoolIdentity
from broker.model.sts import Caller, Proof
from broker.ports.store import Unit

LONGEST_USER = 1024
MOST_RESULTS = 60


@dataclass(frozen=True, slots=True)
class DeveloperAsk:
    """GetOpenIdTokenForDeveloperIdentity. `duration` is seconds (default 900); `principal_tags` are literal."""

    pool_id: str
    logins: Mapping[str, str] = field(repr=False)
    identity_id: str | None = None
    principal_tags: Mapping[str, str] = field(default_factory=dict)
    duration: int | None = None


def open_id_token(kit: AccessKit, by: Caller, ask: DeveloperAsk) -> tuple[str, str]:
    """Identity id and token: the user's identity is found, made, or linked to the identity that was named.

    Raises InvalidParameter, ResourceNotFound, NotAuthorized, DeveloperUserRegistered, ResourceConflict, ExternalService.
    """
    with refusals_told(kit, "openid_token.refused", ask.pool_id, by=by.arn, identity=ask.identity_id):
        pool = pool_of(kit, ask.pool_id)
        ttl = _duration(ask.duration)
        if (fault := tags_fault(ask.principal_tags)) is not None:
            raise InvalidParameter(f"principal tags: {fault}", public=fault)
        user, public = _split(pool, ask.logins)
        proofs = (developer_proof(pool, user), *verify_logins(kit, pool, public, "GetOpenIdTokenForDeveloperIdentity"))
        if any(proof.kind == "openid" for proof in proofs):
            raise NotAuthorized("an OpenID token of ours beside a developer's user", public=NOT_SUPPORTED)
        identity = reach(kit, pool, None, proofs) if ask.identity_id is None else _linked(kit, pool, ask.identity_id, proofs)
        token = make_token(kit, TokenFor(pool.id, identity.id, amr_of(proofs), ask.principal_tags, ttl))
    detail = {"by": by.arn, "identity": identity.id, "tags": sorted(ask.principal_tags)}
    kit.base.audit("openid_token.issued", "ok", "developer", detail, pool_id=pool.id)
    return identity.id, token


def developer_proof(pool: IdentityPool, user: str) -> Proof:
    """A developer's word for his user. The signature on the request is what makes it one."""
    name = pool.developer_provider or ""
    return Proof("developer", name, user, name, amr=(name, f"{name}:{pool.id}:{user}"))


def _split(pool: IdentityPool, logins: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """The developer's user, and the public logins. A name that is neither is refused with those (attack IP-S3.4)."""
    user = logins.get(pool.developer_provider) if pool.developer_provider else None
    if user is None:
        raise NotAuthorized(f"no login of the developer provider of {pool.id}", public=NOT_SUPPORTED, code="provider_not_configured")
    return _user(user), {key: token for key, token in logins.items() if key != pool.developer_provider}


def _user(identifier: str) -> str:
    if not 1 <= len(identifier) <= LONGEST_USER or not identifier.isprintable():
        words = f"A developer user identifier has 1 to {LONGEST_USER} printable characters."
        raise InvalidParameter("a developer user identifier that is empty, too long or not printable", public=words)
    return identifier


def _duration(asked: int | None) -> int:
    if asked is None:
        return DEVELOPER_TTL
    if not 1 <= asked <= LONGEST_DEVELOPER_TTL:
        words = f"TokenDuration must be between 1 and {LONGEST_DEVELOPER_TTL} seconds."
        raise InvalidParameter(f"token duration {asked}", public=words)
    return asked


def _linked(kit: AccessKit, pool: IdentityPool, identity_id: str, proofs: Sequence[Proof]) -> PoolIdentity:
    """The identity that the backend names: its word is enough to link the user to it, unless either belongs to somebody else already."""
    keys = tuple((proof.key, proof.subject) for proof in proofs)

    def step(unit: Unit) -> Story:
        given = of_pool(unit, pool.id, identity_id)
        owner = unit.pool_identities.by_login(pool.id, *keys[0])
        taken = [login for login in given.logins if login.provider == pool.developer_provider and keys[0] not in keys_of(given)]
        if (owner is not None and owner.id != given.id) or taken:
            raise DeveloperUserRegistered(f"{'the user' if owner is not None else 'identity ' + given.id} is bound already")
        others = owners_of(unit, pool.id, keys[1:]).keys() - {given.id}
        if others:
            raise ResourceConflict(f"a login is of identity {', '.join(sorted(others))}")
        return attach(unit, given, keys, kit.base.now())

    return settled(kit, pool.id, step)


# --- looking up, merging, unlinking -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LookupAsk:
    """LookupDeveloperIdentity: by identity id, by the developer's user, or both, which must then agree."""

    pool_id: str
    identity_id: str | None = None
    user_identifier: str | None = None
    max_results: int | None = None
    next_token: str | None = None


@dataclass(frozen=True, slots=True)
class Lookup:
    """An identity and the developer's users that reach it."""

    identity_id: str
    user_identifiers: Sequence[str] = ()
    next_token: str | None = None


def lookup(kit: AccessKit, ask: LookupAsk) -> Lookup:
    """Raises InvalidParameter (neither is given), ResourceNotFound, NotAuthorized (of another pool), ResourceConflict (they differ)."""
    pool = pool_of(kit, ask.pool_id)
    name = _provider(pool, None)
    if ask.identity_id is None and ask.user_identifier is None:
        words = "Either IdentityId or DeveloperUserIdentifier must be given."
        raise InvalidParameter("neither identity id nor user identifier", public=words)
    with kit.base.store.unit() as unit:
        given = of_pool(unit, pool.id, ask.identity_id) if ask.identity_id is not None else None
        found = _by_user(unit, pool, name, ask.user_identifier) if ask.user_identifier is not None else given
    if found is None or (given is not None and given.id != found.id):
        raise ResourceConflict("the user is of another identity", public="The developer user identifier is of another identity.")
    users = sorted(login.subject for login in found.logins if login.provider == name)
    of = f"developer users/{pool.id}/{found.id}"
    after = paging.opened(ask.next_token, of) or ""
    page = paging.cut([user for user in users if user > after], ask.max_results or MOST_RESULTS, of, lambda user: user)
    return Lookup(found.id, page.items, page.next_token)


@dataclass(frozen=True, slots=True)
class MergeAsk:
    """MergeDeveloperIdentities: the identity of user `source` goes over into that of user `destination`."""

    pool_id: str
    developer_provider: str
    source: str
    destination: str


def merge(kit: AccessKit, by: Caller, ask: MergeAsk) -> str:
    """The id of the identity that both users reach from now on. Two that reach one already are left as they are.

    Raises ResourceNotFound, InvalidParameter, ResourceConflict (two users of one public provider, or too many logins).
    """
    with refusals_told(kit, "identity.merge_refused", ask.pool_id, by=by.arn):
        pool = pool_of(kit, ask.pool_id)
        name = _provider(pool, ask.developer_provider)
        if ask.source == ask.destination:
            raise InvalidParameter("a merge of a user into itself", public="Source and destination user are the same.")
        identity = settled(kit, pool.id, lambda unit: _merged(kit, unit, pool, (name, ask.source, ask.destination)))
    return identity.id


def _merged(kit: AccessKit, unit: Unit, pool: IdentityPool, names: tuple[str, str, str]) -> Story:
    provider, *users = names
    source, destination = (_by_user(unit, pool, provider, user) for user in users)
    if source.id == destination.id:
        return Story(destination)
    public = {login.provider for login in source.logins} & {login.provider for login in destination.logins} - {provider}
    if public:
        raise ResourceConflict(
            f"both have a login of {', '.join(sorted(public))}", public="Both users are linked to the same public provider."
        )
    logins = (*destination.logins, *source.logins)
    if len(logins) > MAX_LOGINS:
        words = f"The merged identity would have more than {MAX_LOGINS} logins."
        raise ResourceConflict(f"{len(logins)} logins together", public=words)
    now = kit.base.now()
    if destination.id < source.id:
        # Taken in one order by all: of two merges in opposite directions the second waits, and then looks again.
        destination = unit.pool_identities.update(destination)
    unit.pool_identities.update(replace(source, logins=(), enabled=False, merged_into=destination.id, modified_at=now))
    kept = unit.pool_identities.update(replace(destination, logins=logins, modified_at=now))
    return Story(kept, (("identity.merged", {"identity": source.id, "into": kept.id, "kind": "developer"}),))


def unlink(kit: AccessKit, by: Caller, pool_id: str, identity_id: str, user: tuple[str, str]) -> None:
    """Take a developer's user off an identity: (developer provider, user identifier). Without logins the identity is nobody's any more.

    Raises ResourceNotFound, NotAuthorized (of another pool), InvalidParameter, ResourceConflict (the user is not of this identity).
    """
    with refusals_told(kit, "identity.unlink_refused", pool_id, by=by.arn, identity=identity_id):
        pool = pool_of(kit, pool_id)
        name = _provider(pool, user[0])

        def step(unit: Unit) -> Story:
            identity = of_pool(unit, pool.id, identity_id)
            if (name, user[1]) not in keys_of(identity):
                words = "The developer user identifier is not linked to this identity."
                raise ResourceConflict(f"not a user of identity {identity.id}", public=words)
            kept = tuple(login for login in identity.logins if (login.provider, login.subject) != (name, user[1]))
            return Story(unit.pool_identities.update(with_logins(identity, kept, kit.base.now())))

        identity = settled(kit, pool.id, step)
    detail = {"by": by.arn, "identity": identity_id, "providers": name, "disabled": str(not identity.enabled).lower()}
    kit.base.audit("identity.unlinked", "ok", "developer", detail, pool_id=pool.id)


def _provider(pool: IdentityPool, asked: str | None) -> str:
    """The pool's developer provider. Raises InvalidParameter if it has none, or another was named (attack IP-S3.5)."""
    if not pool.developer_provider or asked not in {None, pool.developer_provider}:
        words = (
            f"'{asked}' is not the developer provider of this identity pool." if asked else "The identity pool has no developer provider."
        )
        raise InvalidParameter(f"developer provider {asked!r} of {pool.id}", public=words)
    return pool.developer_provider


def _by_user(unit: Unit, pool: IdentityPool, provider: str, user: str) -> PoolIdentity:
    found = unit.pool_identities.by_login(pool.id, provider, user)
    if found is None or not found.enabled:
        raise ResourceNotFound("no identity of that developer user", public=f"Developer user '{user}' not found.")
    return found
