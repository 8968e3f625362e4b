"""Whether roles, role mappings and tag maps make sense for an identity pool before they are saved (spec D.1, D.10; attack IP-S1.23)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from broker.expr import cel
from broker.identitypool.logins import OPENID, SOCIAL
from broker.identitypool.policy import arns
from broker.identitypool.tag_names import MAX_TAGS, key_fault
from broker.model.identity import IdentityPool, RoleMapping, RoleRule, TagMap

ROLE_KEYS = ("authenticated", "unauthenticated")
MAX_MAPPINGS = 10
MAX_RULES = 25
MAX_CLAIM = 64
MAX_VALUE = 128
MAX_TAG_CLAIM = 256
MAX_TAG_MAP = 460
"""Octets of all tags and claims of a tag map together."""


def roles_fault(pool: IdentityPool, roles: Mapping[str, str], mappings: Mapping[str, RoleMapping]) -> str | None:
    """The first thing that is wrong, in public words; None if all is well."""
    return next(_role_faults(pool, roles, mappings), None)


def _role_faults(pool: IdentityPool, roles: Mapping[str, str], mappings: Mapping[str, RoleMapping]) -> Iterator[str]:
    for kind, arn in roles.items():
        if kind not in ROLE_KEYS:
            yield f"'{kind}' is not a role type: authenticated and unauthenticated are."
        if not is_role(arn):
            yield f"'{arn}' is not a valid role ARN."
    if len(mappings) > MAX_MAPPINGS:
        yield f"There are {len(mappings)} role mappings, and {MAX_MAPPINGS} are allowed."
    for key, mapping in mappings.items():
        if not is_mapping_key(pool, key):
            yield f"{key} is not a valid RoleMapping ProviderName or is not a configured provider."
        yield from _mapping_faults(key, mapping)


def _mapping_faults(key: str, mapping: RoleMapping) -> Iterator[str]:
    if mapping.type == "Token" and mapping.rules:
        yield f"The role mapping for {key} is of type Token and has rules."
    if mapping.type == "Rules" and not mapping.rules:
        yield f"The role mapping for {key} is of type Rules and has no rules."
    if len(mapping.rules) > MAX_RULES:
        yield f"The role mapping for {key} has {len(mapping.rules)} rules, and {MAX_RULES} are allowed."
    for number, rule in enumerate(mapping.rules, start=1):
        if (fault := rule_fault(rule)) is not None:
            yield f"Rule {number} of the role mapping for {key}: {fault}."


def rule_fault(rule: RoleRule) -> str | None:
    """What is wrong with one rule. An expression is compiled, and refused with its place."""
    if not is_role(rule.role_arn):
        return f"'{rule.role_arn}' is not a valid role ARN"
    if rule.expression:
        if rule.claim or rule.value:
            return "it has an expression and a claim"
        return expression_fault(rule.expression)
    if not 1 <= len(rule.claim) <= MAX_CLAIM:
        return f"a claim's name has 1 to {MAX_CLAIM} characters"
    if not 1 <= len(rule.value) <= MAX_VALUE:
        return f"a value has 1 to {MAX_VALUE} characters"
    return None


def expression_fault(expression: str) -> str | None:
    """Why an expression cannot be compiled, with its place; also that the extra `cel` is missing."""
    try:
        cel.compiled(expression)
    except cel.CelInvalid as invalid:
        return str(invalid)
    return None


def is_role(arn: str) -> bool:
    """Whether it is the ARN of a role, of any account."""
    try:
        arns.parse_role(arn)
    except ValueError:
        return False
    return True


def is_mapping_key(pool: IdentityPool, key: str) -> bool:
    """Whether a role mapping may go by this name: a provider that the pool has; for a user pool with the app client."""
    clients = {f"{client.provider}:{client.client_id}" for client in pool.user_pools}
    return key in clients or key in pool.social or key in pool.oidc_providers or key in pool.saml_providers


def is_tag_key(pool: IdentityPool, key: str) -> bool:
    """Whether a tag map may go by this name: as a role mapping, or a user pool without its app client."""
    return is_mapping_key(pool, key) or any(key == client.provider for client in pool.user_pools)


def tag_map_fault(pool: IdentityPool, provider: str, tag_map: TagMap) -> str | None:
    """What is wrong with a tag map, in public words."""
    if not is_tag_key(pool, provider):
        return f"{provider} is not a valid IdentityProviderName or is not a configured provider."
    return tags_fault(tag_map.tags)


def tags_fault(tags: Mapping[str, str]) -> str | None:
    """What is wrong with the tags of a map: tag -> claim."""
    if len(tags) > MAX_TAGS:
        return f"There are {len(tags)} principal tags, and {MAX_TAGS} are allowed."
    seen: set[str] = set()
    for key, claim in tags.items():
        if (fault := key_fault(key)) is not None:
            return fault
        if key.casefold() in seen:
            return f"Principal tag '{key}' is there twice: upper and lower case are the same."
        seen.add(key.casefold())
        if not 1 <= len(claim) <= MAX_TAG_CLAIM:
            return f"The claim for principal tag '{key}' must have 1 to {MAX_TAG_CLAIM} characters."
    size = sum(len(text.encode()) for pair in tags.items() for text in pair)
    return f"The principal tags have {size} bytes, and {MAX_TAG_MAP} are allowed." if size > MAX_TAG_MAP else None


def provider_fault(pool: IdentityPool, account_id: str) -> str | None:
    """What is wrong with the providers that a pool names, in public words."""
    for host in pool.social:
        if host not in (*SOCIAL, "www.digits.com"):
            return f"{host} is not a supported login provider."
    if pool.developer_provider is not None and pool.developer_provider in _public_keys(pool):
        # The backend's word would reach the identities of that provider's users.
        return f"The developer provider name '{pool.developer_provider}' is that of a public provider."
    for arn in pool.oidc_providers:
        if not _names(arn, arns.parse_oidc_provider, account_id):
            return f"{arn} is not the ARN of an OpenID Connect provider of this account."
    for arn in pool.saml_providers:
        if not _names(arn, arns.parse_saml_provider, account_id):
            return f"{arn} is not the ARN of a SAML provider of this account."
    clients = [(client.provider, client.client_id) for client in pool.user_pools]
    for provider, client_id in clients:
        if "_" not in provider.rpartition("/")[2] or not client_id:
            return f"{provider} with client '{client_id}' is not an app client of a user pool."
        if clients.count((provider, client_id)) > 1:
            return f"{provider} with client '{client_id}' is there twice."
    return None


def _public_keys(pool: IdentityPool) -> set[str]:
    return {*SOCIAL, OPENID, *(arn.partition(":oidc-provider/")[2] for arn in pool.oidc_providers)}


def _names(arn: str, parse: Callable[[str], str], account_id: str) -> bool:
    try:
        parse(arn)
    except ValueError:
        return False
    return arns.account_of(arn) == account_id
