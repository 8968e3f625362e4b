"""Roles, policies, providers and identity pools: from tables to records. Names in the file become ARNs of the account."""

from __future__ import annotations

import json
import uuid
from base64 import b32encode
from collections.abc import Iterator
from datetime import UTC, datetime

from broker.config.access import InlinePolicy, OidcProvider, Policy, Role, SamlProvider
from broker.config.identity_pool import IdentityPool, RoleChoice
from broker.config.protected import ProtectedService
from broker.config.root import Config
from broker.identitypool.logins import OPENID, user_pool_key
from broker.identitypool.policy import arns
from broker.identitypool.protected import PathPattern, Route
from broker.identitypool.protected import ProtectedService as Protected
from broker.model import iam, identity

# A role's id follows from account and name, so that a file applied to an empty database makes the same ids again.
ROLES = uuid.UUID("0a3f8f0e-6a4f-5c39-9d53-2e1b7a6c4d10")


class AccessNames:
    """What names in the file stand for: `reader` is `arn:aws:iam::ACCOUNT:role/reader`, an ARN is itself."""

    def __init__(self, config: Config) -> None:
        self.account = config.aws.account_id
        self.region = config.aws.region
        self._roles = {role.name: str(arns.RoleArn(self.account, role.name, role.path)) for role in config.role}
        self._policies = {policy.name: f"arn:aws:iam::{self.account}:policy{policy.path}{policy.name}" for policy in config.policy}

    def role(self, name: str) -> str:
        """The ARN of a role of the file, of one made by API, or as it stands."""
        return name if name.startswith("arn:") else self._roles.get(name, str(arns.RoleArn(self.account, name)))

    def policy(self, name: str) -> str:
        """The ARN of a managed policy."""
        return name if name.startswith("arn:") else self._policies.get(name, f"arn:aws:iam::{self.account}:policy/{name}")


def roles(config: Config) -> tuple[iam.Role, ...]:
    """The file's roles. One without a trust policy trusts the identity pools that hand it out."""
    names = AccessNames(config)
    return tuple(_role(config, names, role) for role in config.role)


def _role(config: Config, names: AccessNames, role: Role) -> iam.Role:
    arn = names.role(role.name)
    digest = uuid.uuid5(ROLES, f"{names.account}/{role.name}").bytes
    return iam.Role(
        name=role.name,
        id="AROA" + b32encode(digest).decode("ascii")[:17],
        trust=document(role.trust_file.text if role.trust_file else role.trust, "") or trust_of_pools(config, names, arn),
        created_at=datetime.now(UTC),
        path=role.path,
        policies={policy.name: document_of(policy) for policy in role.policies},
        managed=tuple(names.policy(name) for name in role.managed_policies),
        boundary=names.policy(role.permissions_boundary) if role.permissions_boundary else None,
        tags=role.tags,
        description=role.description,
        max_session=role.max_session_seconds,
    )


def document_of(policy: InlinePolicy | Policy) -> str:
    """The document of a policy, from its file or from the table."""
    return document(policy.file.text if policy.file else policy.document, "{}")


def document(text: str | None, default: str) -> str:
    """A JSON document without the blanks around it."""
    return (text or "").strip() or default


def trust_of_pools(config: Config, names: AccessNames, arn: str) -> str:
    """A trust policy for exactly the identity pools of the file that hand the role out: signed-in people, guests, or both (spec D.11)."""
    reach: dict[str, list[str]] = {}
    for pool in config.identity_pool:
        if pool.guest_role and names.role(pool.guest_role) == arn:
            reach.setdefault("unauthenticated", []).append(pool.id)
        if arn in set(_handed_out(pool, names)) or (_by_token(pool) and arn in _group_roles(config, pool)):
            reach.setdefault("authenticated", []).append(pool.id)
    statements = [
        {
            "Effect": "Allow",
            "Principal": {"Federated": OPENID},
            "Action": ["sts:AssumeRoleWithWebIdentity", "sts:TagSession"],
            "Condition": {
                "StringEquals": {f"{OPENID}:aud": pools},
                "ForAnyValue:StringLike": {f"{OPENID}:amr": who},
            },
        }
        for who, pools in sorted(reach.items())
    ]
    # Nobody hands it out: a statement that lets nobody in says so, where an empty list would be no policy at all.
    nobody = {"Effect": "Deny", "Principal": "*", "Action": "sts:*"}
    return json.dumps({"Version": "2012-10-17", "Statement": statements or [nobody]})


def _handed_out(pool: IdentityPool, names: AccessNames) -> Iterator[str]:
    if pool.authenticated_role:
        yield names.role(pool.authenticated_role)
    for choice in choices(pool):
        yield from (names.role(rule.role) for rule in choice.rules)


def _by_token(pool: IdentityPool) -> bool:
    return any(choice.role_from == "token" for choice in choices(pool))


def _group_roles(config: Config, pool: IdentityPool) -> set[str]:
    """The roles that groups of the pool's user pools bring into tokens."""
    chosen = {login.id for login in pool.user_pool if login.role_from == "token"}
    return {group.role_arn for users in config.user_pool if users.id in chosen for group in users.group if group.role_arn}


def choices(pool: IdentityPool) -> tuple[RoleChoice, ...]:
    """All providers of a pool."""
    return (*pool.user_pool, *pool.oidc, *pool.saml, *pool.social)


def policies(config: Config) -> tuple[iam.ManagedPolicy, ...]:
    """The file's managed policies."""
    return tuple(iam.ManagedPolicy(each.name, document_of(each), each.path, each.description) for each in config.policy)


def oidc_provider(provider: OidcProvider) -> iam.OidcProvider:
    """A provider of web identity tokens. Its date is its first application's."""
    url = provider.issuer.removeprefix("https://")
    return iam.OidcProvider(url, provider.client_ids, created_at=datetime.now(UTC))


def saml_provider(provider: SamlProvider) -> iam.SamlProvider:
    """A provider of assertions."""
    metadata = provider.metadata_file.text if provider.metadata_file else provider.metadata or ""
    return iam.SamlProvider(provider.name, metadata, provider.audience, provider.recipient, created_at=datetime.now(UTC))


def identity_pool(config: Config, pool: IdentityPool) -> identity.IdentityPool:
    """An identity pool, its providers under their keys in `Logins` and in role mappings (spec D.1)."""
    names = AccessNames(config)
    keyed = dict(_keyed(pool, names))
    saml = {arns.saml_provider(names.account, login.name): login for login in pool.saml}
    return identity.IdentityPool(
        id=pool.id,
        name=pool.name,
        allow_guests=pool.guests,
        allow_classic=pool.classic_flow,
        user_pools=tuple(
            identity.PoolClient(user_pool_key(login.id, names.region), login.client, login.server_side_token_check)
            for login in pool.user_pool
        ),
        social={login.host: login.app_id for login in pool.social},
        social_urls={login.host: login.api_url for login in pool.social if login.api_url},
        secrets={login.host: login.secret for login in pool.social if login.secret},
        developer_provider=pool.developer_provider,
        oidc_providers=tuple(arns.oidc_provider(names.account, login.issuer) for login in pool.oidc),
        saml_providers=tuple(saml),
        saml_audiences={arn: login.audience for arn, login in saml.items() if login.audience},
        saml_recipients={arn: login.recipient for arn, login in saml.items() if login.recipient},
        authenticated_role=names.role(pool.authenticated_role) if pool.authenticated_role else None,
        unauthenticated_role=names.role(pool.guest_role) if pool.guest_role else None,
        mappings={key: _mapping(choice, names) for key, choice in keyed.items() if choice.role_from != "authenticated"},
        tag_maps={
            key: identity.TagMap(choice.tags, choice.default_tags) for key, choice in keyed.items() if choice.tags or choice.default_tags
        },
        guest_inline_policy=document(pool.guest_policy_file.text, "{}") if pool.guest_policy_file else None,
        tags=pool.tags,
    )


def _keyed(pool: IdentityPool, names: AccessNames) -> Iterator[tuple[str, RoleChoice]]:
    for login in pool.user_pool:
        yield f"{user_pool_key(login.id, names.region)}:{login.client}", login
    for oidc in pool.oidc:
        yield arns.oidc_provider(names.account, oidc.issuer), oidc
    for saml in pool.saml:
        yield arns.saml_provider(names.account, saml.name), saml
    for social in pool.social:
        yield social.host, social


def _mapping(choice: RoleChoice, names: AccessNames) -> identity.RoleMapping:
    return identity.RoleMapping(
        type="Token" if choice.role_from == "token" else "Rules",
        ambiguous="AuthenticatedRole" if choice.ambiguous == "authenticated" else "Deny",
        rules=tuple(identity.RoleRule(names.role(rule.role), rule.claim, rule.match, rule.value, rule.expression) for rule in choice.rules),
    )


def protected_services(config: Config) -> tuple[Protected, ...]:
    """What the requests of the file's services mean. No records: who judges requests reads the file."""
    return tuple(_protected(service) for service in config.protected_service)


def _protected(service: ProtectedService) -> Protected:
    return Protected(
        name=service.name,
        hosts=frozenset(host.lower() for host in service.hosts),
        signed_for=service.signed_for,
        routes=tuple(Route(frozenset(rule.methods), PathPattern.parse(rule.path), rule.action, rule.resource) for rule in service.rules),
        allow_unsigned_payload=service.unsigned_payload,
        allow_streaming=service.streaming,
        allow_presigned=service.presigned,
    )
