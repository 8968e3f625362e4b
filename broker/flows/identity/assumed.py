"""Logins that nobody verified, for explanations alone: what a proof would be if a provider had vouched for these claims.

Nothing that hands something out may use this. What is refused for its provider, issuer or audience is refused here as well.
"""

from __future__ import annotations

import binascii
from collections.abc import Mapping
from typing import Any

from joserfc.util import urlsafe_b64decode

from broker.api_errors import InvalidParameter, NotAuthorized
from broker.flows.access_kit import AccessKit
from broker.flows.identity.developer import developer_proof
from broker.flows.identity.lookups import NOT_SUPPORTED
from broker.flows.identity.proofs import openid, refusals, user_pool
from broker.flows.sts.assertion import paired_roles
from broker.identitypool.assume import pool_issuer
from broker.identitypool.logins import OPENID, user_pool_key, without_scheme
from broker.model.identity import IdentityPool
from broker.model.settings import UserPool
from broker.model.sts import Proof
from metadata.errors import DocumentInvalid
from metadata.oidc.strict_json import parse_object
from providers.social.tokens import SIGNED


def key_of_issuer(kit: AccessKit, pool: IdentityPool, issuer: str) -> str | None:
    """The Logins key of the pool's provider that has this `iss`; None if it has none."""
    for client in pool.user_pools:
        users = user_pool.named(kit, pool, client.provider)
        if users is not None and kit.base.addresses.issuer(users) == issuer:
            return client.provider
    for host in pool.social:
        if host in SIGNED and issuer in SIGNED[host].issuers:
            return host
    if issuer == pool_issuer(kit.identity_base, pool.id):
        return OPENID
    return without_scheme(issuer) if openid.named(kit, pool, without_scheme(issuer)) is not None else None


def key_of_token(kit: AccessKit, pool: IdentityPool, token: str) -> str:
    """Whose token it says to be: by its unverified `iss`, or the only SAML provider. Only which keys must verify it hangs on that.

    Raises InvalidParameter if that cannot be told.
    """
    parts = token.split(".")
    try:
        issuer = parse_object(urlsafe_b64decode(parts[1].encode())).get("iss") if len(parts) == 3 else None
    except (binascii.Error, ValueError, DocumentInvalid):
        issuer = None
    if isinstance(issuer, str):
        return _known(kit, pool, issuer)
    if len(parts) == 1 and len(pool.saml_providers) == 1 and len(token) > 200:
        return pool.saml_providers[0]
    raise InvalidParameter(f"the token names no issuer; {_say(pool)}", public="The token's provider is not known.")


def key_of_claims(kit: AccessKit, pool: IdentityPool, claims: Mapping[str, Any]) -> str:
    """The provider of claims that have an `iss`. Raises InvalidParameter."""
    issuer = claims.get("iss")
    if not isinstance(issuer, str):
        raise InvalidParameter(f"the claims have no iss; {_say(pool)}", public="The claims' provider is not known.")
    return _known(kit, pool, issuer)


def _known(kit: AccessKit, pool: IdentityPool, issuer: str) -> str:
    key = key_of_issuer(kit, pool, issuer)
    if key is None:
        raise InvalidParameter(
            f"no provider of {pool.id} has the issuer {issuer[:200]!r}; {_say(pool)}",
            public="The provider is not one of this identity pool.",
        )
    return key


def _say(pool: IdentityPool) -> str:
    return f"say whose it is with --provider, one of: {', '.join(provider_keys(pool)) or 'none, the pool has no provider'}"


def provider_keys(pool: IdentityPool) -> list[str]:
    """Every key that `Logins` may have in this pool."""
    users = dict.fromkeys(client.provider for client in pool.user_pools)
    issuers = (arn.partition(":oidc-provider/")[2] for arn in pool.oidc_providers)
    developer = (pool.developer_provider,) if pool.developer_provider else ()
    return [*users, *pool.social, *(without_scheme(issuer) for issuer in issuers), *pool.saml_providers, *developer]


def assumed_proof(kit: AccessKit, pool: IdentityPool, key: str, claims: Mapping[str, Any]) -> Proof:
    """The proof that a verifier would make of a token with these claims. Raises NotAuthorized in its words."""
    issuer = claims.get("iss")
    if isinstance(issuer, str) and (known := key_of_issuer(kit, pool, issuer)) is not None and not _same(kit, pool, key, known):
        raise refusals.refused(refusals.WRONG_ISSUER, f"the claims are of {issuer[:200]!r}, and the login of {key}", "issuer_mismatch")
    if key == OPENID:
        return _own(key, pool, claims)
    if key in pool.saml_providers:
        subject = str(claims.get("NameID") or claims.get("sub") or "")
        amr = (key, f"{key}:SAML:{subject}")
        return Proof("saml", key, subject, key, claims, amr=amr, roles=paired_roles(claims, key))
    subject = str(claims.get("sub") or claims.get("id") or "")
    if key in pool.social:
        if "aud" in claims and pool.social[key] not in (claims["aud"], claims.get("azp")):
            raise refusals.refused(refusals.NOT_OURS, f"aud is {str(claims['aud'])[:200]!r}", "audience_not_configured")
        return Proof("social", key, subject, key, claims, pool.social[key], (key, f"{key}:{pool.social[key]}:{subject}"))
    if key == pool.developer_provider:
        return developer_proof(pool, subject)
    if (users := user_pool.named(kit, pool, key)) is not None:
        return _of_users(kit, pool, users, claims)
    found = openid.named(kit, pool, key)
    if found is None:
        raise NotAuthorized(f"no provider {key[:200]!r} in {pool.id}", public=NOT_SUPPORTED, code="provider_not_configured")
    arn, provider = found
    only = provider.client_ids[0] if len(provider.client_ids) == 1 and "aud" not in claims else None
    audience = only or openid.audience_of(claims, provider.client_ids)
    return Proof("oidc", key, subject, arn, claims, audience, (key, f"{arn}:OIDC:{subject}"))


def _same(kit: AccessKit, pool: IdentityPool, key: str, known: str) -> bool:
    """A user pool goes by two names."""
    users, other = user_pool.named(kit, pool, key), user_pool.named(kit, pool, known)
    return key == known or (users is not None and other is not None and users.id == other.id)


def _of_users(kit: AccessKit, pool: IdentityPool, users: UserPool, claims: Mapping[str, Any]) -> Proof:
    """For a client of the user pool. Claims written by hand may leave `aud` out where there is one client only."""
    configured = [client for client in pool.user_pools if client.provider.rpartition("/")[2] == users.id]
    known = {client.client_id: kit.base.settings.client(users.id, client.client_id) for client in configured}
    clients = [name for name, client in known.items() if client is not None and client.enabled]
    if claims.get("token_use", "id") != "id":
        raise refusals.refused(refusals.NO_AUDIENCE, f"these are the claims of an {claims['token_use']} token", "token_use")
    aud = claims.get("aud", clients[0] if len(clients) == 1 else None)
    if aud not in clients:
        why = f"aud is {str(aud)[:200]!r}, and the pool takes {', '.join(clients)}"
        raise refusals.refused(refusals.NOT_OURS, why, "audience_not_configured")
    provider, subject = user_pool_key(users.id, kit.account.region), str(claims.get("sub") or "")
    amr = (provider, f"{provider}:CognitoSignIn:{subject}")
    return Proof("user_pool", provider, subject, f"{provider}:{aud}", claims, str(aud), amr)


def _own(key: str, pool: IdentityPool, claims: Mapping[str, Any]) -> Proof:
    given = claims.get("amr")
    amr = tuple(str(each) for each in given) if isinstance(given, list) else ()
    if "authenticated" not in amr:
        raise refusals.refused(refusals.NOT_OURS, "the token of a guest proves nobody", "guest_token")
    return Proof("openid", key, str(claims.get("sub", "")), key, claims, pool.id, amr[1:])
