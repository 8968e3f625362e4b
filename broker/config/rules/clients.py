"""Rules about app clients (spec B.1, A.5)."""

from __future__ import annotations

import json
from collections.abc import Iterator

from broker.config.client import Client
from broker.config.declare import token_auth
from broker.config.problems import nearest, shown
from broker.config.rules.attributes import known_attributes
from broker.config.rules.finding import Finding, PoolAt, repeated

OPENID_SCOPES = frozenset({"openid", "email", "phone", "profile"})
ADMIN_SCOPE = "aws.cognito.signin.user.admin"
NATIVE = "COGNITO"
PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


def each(at: PoolAt) -> Iterator[tuple[str, Client]]:
    """The pool's clients and their tables."""
    for client in at.pool.client:
        yield at.inner("client", client.id), client


def redirects_fit(at: PoolAt) -> Iterator[Finding]:
    """A code flow ends at an address, and the default is one of those that are allowed."""
    for table, client in each(at):
        if {"code", "implicit"} & set(client.flows) and not client.redirect_uris:
            yield Finding(table, "redirect_uris", "is empty, so no sign-in could end", "add the address of your application's callback")
        default = client.default_redirect_uri
        if default is not None and default not in client.redirect_uris:
            yield Finding(
                table, "default_redirect_uri", f"{shown(default)} is not one of redirect_uris", "add it there, or choose one of them"
            )
        for key in ("redirect_uris", "logout_uris"):
            for uri in repeated(getattr(client, key)):
                yield Finding(table, key, f"{shown(uri)} is listed twice", "remove one of them")


def scopes_exist(at: PoolAt) -> Iterator[Finding]:
    """Scopes are OpenID's, the admin scope, or a resource server's; those about the user need `openid`."""
    served = {f"{server.identifier}/{scope.name}" for server in at.pool.resource_server for scope in server.scopes}
    known = OPENID_SCOPES | {ADMIN_SCOPE} | served
    for table, client in each(at):
        if client.flows == ("client_credentials",):
            yield from _own_scopes(table, client, served)
            continue
        for scope in client.scopes:
            if scope not in known:
                yield Finding(table, "scopes", f"there is no scope {shown(scope)} in this pool", _declare_scope(scope, known))
        orphans = sorted((OPENID_SCOPES - {"openid"}) & set(client.scopes))
        if orphans and "openid" not in client.scopes:
            yield Finding(table, "scopes", f"{', '.join(orphans)} without openid", 'add "openid"')


def _own_scopes(table: str, client: Client, served: set[str]) -> Iterator[Finding]:
    if "scopes" not in client.model_fields_set:
        yield Finding(table, "scopes", "is missing: client_credentials needs scopes of a resource server", "list at least one")
        return
    for scope in client.scopes:
        if scope not in served:
            what = f"{shown(scope)} is not a scope of a resource server of this pool, and client_credentials knows no other"
            yield Finding(table, "scopes", what, _declare_scope(scope, served))


def _declare_scope(scope: str, known: set[str] | frozenset[str]) -> str:
    guess = nearest(scope, known)
    if guess.startswith("did you"):
        return guess
    identifier, slash, name = scope.rpartition("/")
    if slash:
        return f"declare a [[user_pool.resource_server]] {shown(identifier)} with the scope {shown(name)}"
    return guess


def flows_go_together(at: PoolAt) -> Iterator[Finding]:
    """`client_credentials` stands alone and needs a proof of identity (InvalidOAuthFlowException)."""
    for table, client in each(at):
        if "client_credentials" in client.flows and len(set(client.flows)) > 1:
            yield Finding(table, "flows", "client_credentials cannot go with other flows", "make a second client for it")
        if "client_credentials" in client.flows and token_auth(client) == "none":
            yield Finding(table, "flows", "client_credentials needs a client that can prove itself", "add secret, or jwks")
        if "implicit" in client.flows:
            yield Finding(table, "flows", "implicit is never granted", "use code with PKCE", warning=True)


def authentication_is_possible(at: PoolAt) -> Iterator[Finding]:
    """The method that is said has what it needs, and a public client keeps PKCE: it has nothing else."""
    for table, client in each(at):
        method = token_auth(client)
        if method == "secret" and not client.secret:
            yield Finding(table, "secret", 'is missing, though token_auth is "secret"', 'add it, or set token_auth = "none"')
        if method == "private_key_jwt":
            yield from _keys(table, client)
        if method == "none" and client.secret:
            yield Finding(table, "token_auth", 'is "none", though there is a secret', "remove one of the two")
        if method == "none" and not client.require_pkce:
            yield Finding(table, "require_pkce", "cannot be false for a client without a secret", "remove it, or add a secret")
        if client.rotation_grace_seconds and not client.rotation:
            yield Finding(table, "rotation_grace_seconds", "has no effect without rotation", "add rotation = true", warning=True)


def _keys(table: str, client: Client) -> Iterator[Finding]:
    key = "jwks_file" if client.jwks_file else "jwks"
    if client.jwks and client.jwks_file:
        yield Finding(table, "jwks_file", "is given beside jwks", "remove one of the two")
        return
    try:
        jwks = json.loads(client.jwks_file.text) if client.jwks_file else client.jwks
    except (ValueError, RecursionError):
        yield Finding(table, key, f"{client.jwks_file.path if client.jwks_file else ''} is not JSON", "give a JWK set")
        return
    keys = jwks.get("keys") if isinstance(jwks, dict) else None
    if not isinstance(keys, list) or not keys or not all(isinstance(each, dict) and isinstance(each.get("kty"), str) for each in keys):
        yield Finding(table, key, "is not a JWK set with keys", "write { keys = [{ kty = ..., ... }] }")
    elif any(PRIVATE_MEMBERS & set(each) for each in keys):
        yield Finding(table, key, "holds a private or symmetric key", "give public keys only, and replace the one that was shown here")


def lifetimes_are_in_range(at: PoolAt) -> Iterator[Finding]:
    """Spec A.5: ID and access tokens 5 minutes to 1 day; refresh tokens 1 hour to 3,650 days, and longer than both."""
    for table, client in each(at):
        for key in ("id_token_minutes", "access_token_minutes"):
            if not 5 <= getattr(client, key) <= 1440:
                yield Finding(table, key, f"{getattr(client, key):g} is not within 5 and 1440 minutes", "choose within these bounds")
        refresh = client.refresh_token_days * 1440
        if not 60 <= refresh <= 3650 * 1440:
            yield Finding(table, "refresh_token_days", "is not within 1 hour and 3650 days", "choose within these bounds")
        elif refresh <= max(client.id_token_minutes, client.access_token_minutes):
            yield Finding(table, "refresh_token_days", "is not longer than the ID and access tokens", "raise it, or shorten the others")


def public_clients_rotate(at: PoolAt) -> Iterator[Finding]:
    """RFC 9700 2.2.2: a public client's refresh token is bound to nothing, so rotation is what tells that it was stolen."""
    for table, client in each(at):
        if client.rotation is False and token_auth(client) == "none":
            what = "is false for a public client, so a stolen refresh token works unnoticed until it ends"
            yield Finding(table, "rotation", what, "remove it, and give rotation_grace_seconds if answers get lost", warning=True)


def providers_exist(at: PoolAt) -> Iterator[Finding]:
    """Names of this pool's providers; with an IdP that may begin a sign-in by itself, SAML only (spec B.6)."""
    known = {provider.name: provider for provider in at.pool.provider}
    for table, client in each(at):
        for name in client.providers:
            if name != NATIVE and name not in known:
                yield Finding(table, "providers", f"there is no provider {shown(name)} in this pool", nearest(name, [*known, NATIVE]))
        for name in repeated(client.providers):
            yield Finding(table, "providers", f"{shown(name)} is listed twice", "remove one of them")
        if not client.providers and "code" in client.flows:
            yield Finding(table, "providers", "is empty, so nobody can sign in here", "list the providers of its users", warning=True)
        starters = [name for name in client.providers if name in known and known[name].own_options().get("idp_initiated")]
        others = [name for name in client.providers if name == NATIVE or (name in known and known[name].kind != "saml")]
        if starters and others:
            what = f"{starters[0]} is idp_initiated, so {', '.join(others)} cannot stand beside it"
            yield Finding(table, "providers", what, "make a second client with SAML providers only")


def attributes_exist(at: PoolAt) -> Iterator[Finding]:
    """What a client may read and write is in the schema, and it can write what every profile must have."""
    known = known_attributes(at)
    for table, client in each(at):
        for key in ("read_attributes", "write_attributes"):
            for name in getattr(client, key) or ():
                if name not in known:
                    yield Finding(table, key, f"there is no attribute {shown(name)} in this pool", nearest(name, known))
        if client.write_attributes is not None:
            for attribute in at.pool.attribute:
                if attribute.required and attribute.name not in client.write_attributes:
                    yield Finding(table, "write_attributes", f"lacks {attribute.name}, which the pool requires", "add it")
