"""Identity pools made by the API of a whole broker, and people with real tokens in front of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from broker.flows.access_kit import AccessKit
from broker.flows.identity import developer, pool_roles, pools, tag_maps
from broker.flows.identity.get_credentials import get_credentials
from broker.flows.identity.get_id import get_id
from broker.flows.identity.get_open_id_token import get_open_id_token
from broker.flows.identity.unlink import unlink
from broker.flows.sts.callers import caller_of
from broker.identitypool.policy import arns
from broker.model.iam import Role
from broker.model.identity import IdentityPool, PoolClient, PoolIdentity, RoleMapping, RoleRule, TagMap
from broker.model.sts import Caller, Credentials, StsSession
from tests.attacks.identitypool.pools import ACCOUNT, POOL, SAML_ARN, USERS, Everybody

COGNITO = "cognito-identity.amazonaws.com"
BACKEND = "login.backend"


def arn_of(name: str, account: str = ACCOUNT) -> str:
    return f"arn:aws:iam::{account}:role/{name}"


def rules(*given: RoleRule, ambiguous: Any = "Deny") -> RoleMapping:
    return RoleMapping("Rules", ambiguous, given)


@dataclass
class Stage:
    """`pool` is one with guests, a developer provider and every kind of login; roles `in` and `guest` are set."""

    world: Everybody
    pool: IdentityPool = field(init=False)
    _people: int = 0

    def __post_init__(self) -> None:
        for name in ("in", "admin", "staff", "guest"):
            self.role(name)
        self.pool = self.make_pool()

    @property
    def kit(self) -> AccessKit:
        return self.world.broker.wired.services.access.kit

    @property
    def by(self) -> Caller:
        found = caller_of(self.kit, "CROSSGATEADMIN", None)
        assert found is not None
        return found[0]

    @property
    def oidc_arn(self) -> str:
        return arns.oidc_provider(ACCOUNT, self.world.op.issuer)

    def settle(self) -> None:
        """Two seconds later: every worker has seen what was written."""
        self.world.broker.clock.advance(seconds=2)

    def role(self, name: str, *, pool: str = "*", amr: str = "*authenticated", tags: bool = True, **changes: Any) -> str:
        """A role of ours that takes sign-ins of a pool, or of any for the sake of the test."""
        actions = ["sts:AssumeRoleWithWebIdentity", *(["sts:TagSession"] if tags else [])]
        statement = {
            "Effect": "Allow",
            "Principal": {"Federated": COGNITO},
            "Action": actions,
            "Condition": {"StringLike": {f"{COGNITO}:aud": pool}, "ForAnyValue:StringLike": {f"{COGNITO}:amr": amr}},
        }
        trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        allow = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
        given = {"policies": {"all": allow}, "owner": "api", **changes}
        with self.kit.base.store.unit() as unit:
            unit.roles.put(Role(name, f"AROA{name.upper():A<17.17}", trust, self.kit.base.now(), **given))
        self.settle()
        return arn_of(name)

    def make_pool(self, **changes: Any) -> IdentityPool:
        """A pool by the API. Its roles are written past the API: the roles of this stage are open to every pool, which that refuses."""
        given: dict[str, Any] = {
            "name": "stage",
            "allow_guests": True,
            "user_pools": (PoolClient(USERS, "app"), PoolClient(USERS, "corponly", True)),
            "social": {"accounts.google.com": "google-app"},
            "developer_provider": BACKEND,
            "oidc_providers": (self.oidc_arn,),
            "saml_providers": (SAML_ARN,),
            **changes,
        }
        pool = pools.create(self.kit, self.by, pools.PoolAsk(**given))
        return self.change(pool, authenticated_role=arn_of("in"), unauthenticated_role=arn_of("guest"))

    def change(self, pool: IdentityPool, **changes: Any) -> IdentityPool:
        with self.kit.base.store.unit() as unit:
            stored = unit.identity_pools.get(pool.id, pool.id)
            assert stored is not None
            changed = replace(stored, **changes)
            unit.identity_pools.put(changed)
        self.settle()
        return changed

    def map_roles(self, mapping: RoleMapping, key: str = "") -> IdentityPool:
        self.pool = self.change(self.pool, mappings={key or self.oidc_arn: mapping})
        return self.pool

    def set_tags(self, tag_map: TagMap, pool: IdentityPool | None = None) -> None:
        tag_maps.set_tag_map(self.kit, self.by, (pool or self.pool).id, self.oidc_arn, tag_map)
        self.settle()

    # --- people ----------------------------------------------------------------------------------------------------------------------

    def someone(self, sub: str = "", **claims: Any) -> dict[str, str]:
        """The Logins of a person at the OpenID provider, a new one unless named."""
        self._people += 1
        return {self.world.oidc_key: self.world.oidc_token(sub=sub or f"person-{self._people}", **claims)}

    def google_of_the_test(self) -> None:
        """Let the test's OpenID provider pass for Google, which only a pool of the file may say."""
        self.pool = self.change(self.pool, owner="file", social_urls={"accounts.google.com": f"{self.world.op.issuer}/jwks"})

    def google(self, sub: str) -> dict[str, str]:
        return {"accounts.google.com": self.world.oidc_token(iss="https://accounts.google.com", aud="google-app", sub=sub)}

    def alice(self, client_id: str = "app") -> dict[str, str]:
        """Of the user pool, signed in by SAML."""
        return {USERS: self.world.tokens(client_id)["id_token"]}

    def get_id(self, logins: Mapping[str, str], pool: IdentityPool | None = None) -> str:
        return get_id(self.kit, (pool or self.pool).id, logins)

    def credentials(self, identity: str, logins: Mapping[str, str], custom: str | None = None) -> tuple[str, Credentials]:
        return get_credentials(self.kit, identity, logins, custom)

    def session(self, logins: Mapping[str, str], custom: str | None = None, pool: IdentityPool | None = None) -> StsSession:
        """What somebody's credentials hold."""
        _, credentials = self.credentials(self.get_id(logins, pool), logins, custom)
        return self.kit.tokens.open(credentials.session_token)[0]

    def open_id_token(self, identity: str, logins: Mapping[str, str]) -> tuple[str, str]:
        return get_open_id_token(self.kit, identity, logins)

    def unlink(self, identity: str, logins: Mapping[str, str], *to_remove: str) -> None:
        unlink(self.kit, identity, logins, to_remove)

    def vouch(self, user: str, pool: IdentityPool | None = None, **changes: Any) -> tuple[str, str]:
        """The backend's token for a user: identity id, token."""
        ask = {"pool_id": (pool or self.pool).id, "logins": {BACKEND: user}, **changes}
        return developer.open_id_token(self.kit, self.by, developer.DeveloperAsk(**ask))

    def merge(self, source: str, destination: str, **changes: Any) -> str:
        ask = {"pool_id": self.pool.id, "developer_provider": BACKEND, "source": source, "destination": destination, **changes}
        return developer.merge(self.kit, self.by, developer.MergeAsk(**ask))

    def set_roles(
        self, roles: Mapping[str, str], mappings: Mapping[str, RoleMapping] | None = None, by: Caller | None = None
    ) -> IdentityPool:
        return pool_roles.set_roles(self.kit, by or self.by, self.pool.id, pool_roles.PoolRoles(roles, mappings or {}))

    def stored(self, identity: str) -> PoolIdentity:
        with self.kit.base.store.unit() as unit:
            found = unit.pool_identities.get(identity)
        assert found is not None
        return found

    def everybody(self, pool: IdentityPool | None = None) -> Sequence[PoolIdentity]:
        with self.kit.base.store.unit() as unit:
            return unit.pool_identities.list((pool or self.pool).id, None, 1000)

    def audited(self, event: str) -> list[dict[str, Any]]:
        """The events of this stage's pool."""
        path = self.world.broker.config.log.audit_file
        assert path is not None
        lines = [json.loads(text) for text in path.read_text().splitlines()]
        return [line for line in lines if line["event"] == event and line.get("pool_id") == self.pool.id]


__all__ = ["ACCOUNT", "BACKEND", "COGNITO", "POOL", "SAML_ARN", "USERS", "Stage", "arn_of", "rules"]
