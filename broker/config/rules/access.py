"""Rules about identity pools, roles, policies and the providers that they trust."""

from __future__ import annotations

from collections.abc import Iterator

from broker.api_errors import ApiError
from broker.config.access import InlinePolicy, Policy, Role
from broker.config.declare_access import AccessNames, choices, document_of
from broker.config.identity_pool import IdentityPool, RoleChoice
from broker.config.problems import shown
from broker.config.root import Config
from broker.config.rules.finding import Finding, repeated
from broker.errors import BrokerError
from broker.identitypool.mappings import expression_fault, tags_fault
from broker.identitypool.protected import PathPattern, captured_in

ONE_DOCUMENT = "give exactly one of file and document"


def label(table: str, name: str) -> str:
    """A table by the name in it."""
    return f"[[{table}]] {shown(name).strip(chr(39))}"


def access_names_differ(config: Config) -> Iterator[Finding]:
    """A name, an id and an issuer each lead to one thing. AWS takes names for the same whatever their case."""
    for table, key, values in (
        ("role", "name", [role.name.casefold() for role in config.role]),
        ("policy", "name", [policy.name.casefold() for policy in config.policy]),
        ("oidc_provider", "issuer", [provider.issuer for provider in config.oidc_provider]),
        ("saml_provider", "name", [provider.name for provider in config.saml_provider]),
        ("identity_pool", "id", [pool.id for pool in config.identity_pool]),
    ):
        for value in repeated(values):
            yield Finding(label(table, value), key, "is used twice", "remove one of them, or give it another")


def documents_are_one(config: Config) -> Iterator[Finding]:
    """A policy has one document, and it is one that the evaluator takes: whole, and with the statement that is wrong named."""
    for role in config.role:
        yield from _trust(label("role", role.name), role, f"{config.server.public_url.rstrip('/')}/identity")
        for name in repeated(policy.name for policy in role.policies):
            yield Finding(label("role", role.name), "policies", f"{name} is there twice", "remove one of them")
        for inline in role.policies:
            yield from _document(label("role", role.name), f"policies {inline.name}", inline)
    for policy in config.policy:
        yield from _document(label("policy", policy.name), "document", policy)
    for provider in config.saml_provider:
        if (provider.metadata_file is None) == (provider.metadata is None):
            yield Finding(label("saml_provider", provider.name), "metadata_file", "is not the one source", "give exactly one of the two")
    for pool in config.identity_pool:
        if pool.guest_policy_file:
            yield from _parsed(label("identity_pool", pool.id), "guest_policy_file", pool.guest_policy_file.text, "session")


def _trust(table: str, role: Role, identity_base: str) -> Iterator[Finding]:
    if role.trust_file and role.trust:
        yield Finding(table, "trust", "stands beside trust_file", "give one of them, or neither")
    elif text := (role.trust_file.text if role.trust_file else role.trust):
        yield from _trusted(table, "trust_file" if role.trust_file else "trust", text, identity_base)


def _trusted(table: str, key: str, text: str, identity_base: str) -> Iterator[Finding]:
    """A trust policy that is read, and that lets no other identity pool in (rows IP-S1.4 and IP-S1.5)."""
    from broker.identitypool.policy.document import LARGEST_TRUST, parse_policy
    from broker.identitypool.policy.trust import issuers_named, trust_warnings

    try:
        policy = parse_policy(text.strip(), "trust", limit=LARGEST_TRUST)
    except BrokerError as malformed:
        yield Finding(table, key, malformed.public, "")
        return
    for found in trust_warnings(policy, issuers_named(policy, identity_base)):
        what, _, remedy = found.words.partition("; ")
        yield Finding(table, key, f"statement {found.statement}: {what}", remedy, warning=found.level == "warn")


def _document(table: str, key: str, policy: InlinePolicy | Policy) -> Iterator[Finding]:
    if (policy.file is None) == (policy.document is None):
        yield Finding(table, key, "has no document, or two", ONE_DOCUMENT)
        return
    yield from _parsed(table, key, document_of(policy), "managed" if isinstance(policy, Policy) else "identity")


def _parsed(table: str, key: str, text: str, kind: str) -> Iterator[Finding]:
    from broker.identitypool.policy.document import parse_policy

    try:
        parse_policy(text.strip(), kind)  # type: ignore[arg-type]
    except (ApiError, BrokerError) as malformed:
        yield Finding(table, key, malformed.public, "")


def identity_pools_fit(config: Config) -> Iterator[Finding]:
    """What an identity pool names is there, and what it says makes sense together."""
    for pool in config.identity_pool:
        table = label("identity_pool", pool.id)
        if pool.id.partition(":")[0] != config.aws.region:
            what = f"begins with another region than [aws] region, which is {config.aws.region}"
            yield Finding(table, "id", what, f"write {config.aws.region}:UUID, or correct the region")
        if pool.guests and not pool.guest_role:
            yield Finding(table, "guest_role", "is missing: guests get identities, but no credentials", "name a role", warning=True)
        if not choices(pool) and not pool.guests and not pool.developer_provider:
            yield Finding(table, "user_pool", "nobody can sign in to this pool", "add a provider, or guests = true", warning=True)
        yield from _providers(config, pool, table)
        for choice in choices(pool):
            yield from _choice(config, table, choice)
        yield from _roles(config, pool, table)


def _providers(config: Config, pool: IdentityPool, table: str) -> Iterator[Finding]:
    clients = {(users.id, client.id) for users in config.user_pool for client in users.client}
    for login in pool.user_pool:
        if (login.id, login.client) not in clients:
            what = f"{login.id} with client {login.client} is not in this file"
            yield Finding(table, "user_pool", what, "correct it, unless it is made by API", warning=True)
    for login_twice in repeated((login.id, login.client) for login in pool.user_pool):
        yield Finding(table, "user_pool", f"{login_twice[0]} with {login_twice[1]} is there twice", "remove one of them")
    for host in repeated(login.host for login in pool.social):
        yield Finding(table, "social", f"{host} is there twice", "an identity pool has one app of each")
    issuers = {provider.issuer for provider in config.oidc_provider}
    for oidc in pool.oidc:
        if oidc.issuer not in issuers:
            yield Finding(table, "oidc", f"{oidc.issuer} has no [[oidc_provider]]", "add one with its client_ids", warning=True)
    names = {provider.name for provider in config.saml_provider}
    for saml in pool.saml:
        if saml.name not in names:
            yield Finding(table, "saml", f"{shown(saml.name)} has no [[saml_provider]]", "add one with its metadata", warning=True)
    for social in pool.social:
        if social.host in {"graph.facebook.com", "api.twitter.com"} and not social.secret:
            yield Finding(table, "social.secret", f"{social.host} needs one to check tokens", "set it")


def _choice(config: Config, table: str, choice: RoleChoice) -> Iterator[Finding]:
    if (choice.role_from == "rules") != bool(choice.rules):
        what = "are there, but role_from is not rules" if choice.rules else "are missing, and role_from is rules"
        yield Finding(table, "rules", what, 'set role_from = "rules" and give rules, or neither')
    for number, rule in enumerate(choice.rules, start=1):
        if bool(rule.expression) == bool(rule.claim):
            yield Finding(table, f"rules #{number}", "needs a claim or an expression, and not both", "give one of them")
        elif rule.expression and (fault := expression_fault(rule.expression)) is not None:
            yield Finding(table, f"rules #{number} expression", fault, "")
    if (fault := tags_fault(choice.tags)) is not None:
        yield Finding(table, "tags", fault.rstrip("."), "")
    if choice.tags and choice.default_tags:
        yield Finding(table, "default_tags", "stands beside tags, which it would ignore", "remove one of them")


def _roles(config: Config, pool: IdentityPool, table: str) -> Iterator[Finding]:
    names = AccessNames(config)
    declared = {names.role(role.name) for role in config.role}
    wanted = [("authenticated_role", pool.authenticated_role), ("guest_role", pool.guest_role)]
    wanted += [("rules", rule.role) for choice in choices(pool) for rule in choice.rules]
    for key, name in wanted:
        if name and names.role(name) not in declared and config.credentials.issuer == "embedded":
            yield Finding(table, key, f"role {shown(name)} is not in this file", "add [[role]], unless it is made by API", warning=True)


def sts_is_complete(config: Config) -> Iterator[Finding]:
    """An external STS has an address."""
    if (config.credentials.issuer == "sts") != (config.credentials.sts_endpoint is not None):
        yield Finding("[credentials]", "sts_endpoint", 'goes with issuer = "sts"', "give both, or neither")


def protected_services_fit(config: Config) -> Iterator[Finding]:
    """A host leads to one service, a resource names what the path captures, and somebody is asked about it."""
    for host in repeated(host.lower() for service in config.protected_service for host in service.hosts):
        yield Finding("[[protected_service]]", "hosts", f"{host} is there twice", "give each service hosts of its own")
    for service in config.protected_service:
        table = label("protected_service", service.name)
        for number, rule in enumerate(service.rules, start=1):
            for name in sorted(captured_in(rule.resource) - PathPattern.parse(rule.path).names):
                what = f"names {{{name}}}, which the path does not capture"
                yield Finding(table, f"rules #{number} resource", what, f"write {{{name}}} into the path, or another name here")
    bind = config.authorize.bind or ""
    if bind.startswith("unix:") or bind.endswith(":0"):
        yield Finding("[authorize]", "bind", "needs a port of its own", "write HOST:PORT like 127.0.0.1:8081")
    elif bind and bind.rpartition(":")[2] == config.server.bind.rpartition(":")[2]:
        yield Finding("[authorize]", "bind", "has the port of [server] bind", "give it a port of its own")
    elif bind and not config.server.trusted_proxies:
        what = "nobody is answered there: only those in [server] trusted_proxies are"
        yield Finding("[authorize]", "bind", what, "add the addresses of the proxies that ask", warning=True)
