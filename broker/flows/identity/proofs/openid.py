"""ID tokens of registered OpenID issuers, and the identity pool's own OpenID token shown again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from broker.api_errors import ExpiredIdentityToken, ExternalService, IdpCommunication, InvalidIdentityToken
from broker.flows.access_kit import AccessKit
from broker.flows.identity.proofs import refusals
from broker.flows.sts.web_token import WebToken, read_token
from broker.identitypool.logins import without_scheme
from broker.model.iam import OidcProvider
from broker.model.identity import IdentityPool
from broker.model.sts import Proof
from providers.errors import ResponseInvalid
from providers.oidc.id_token import subject_of


def named(kit: AccessKit, pool: IdentityPool, key: str) -> tuple[str, OidcProvider] | None:
    """ARN and record of the issuer that a key means: its address without scheme, of those that the pool is configured with."""
    for arn in pool.oidc_providers:
        url = arn.partition(":oidc-provider/")[2]
        provider = kit.base.settings.oidc_provider(url)
        if provider is not None and key == without_scheme(provider.issuer):
            return arn, provider
    return None


def id_token(kit: AccessKit, pool: IdentityPool, key: str, token: str, operation: str) -> Proof:
    """Signed by the issuer that the key names, alive, and for one of the provider's clients: `azp` counts before `aud`."""
    found = named(kit, pool, key)
    if found is None:
        raise refusals.refused(refusals.NOT_OURS, f"no issuer {key[:200]!r}", "provider_not_configured")
    arn, provider = found
    web = _read(kit, token, key)
    if web.provider is None or web.provider.url != provider.url:
        raise refusals.refused(refusals.WRONG_ISSUER, f"the token is of {web.issuer[:200]!r}", "issuer_mismatch")
    audience = audience_of(web.claims, provider.client_ids)
    subject = _subject(web)
    return Proof(
        kind="oidc",
        key=without_scheme(provider.issuer),
        subject=subject,
        mapping_key=arn,
        claims=web.claims,
        audience=audience,
        amr=(without_scheme(provider.issuer), f"{arn}:OIDC:{subject}"),
    )


def own_token(kit: AccessKit, pool: IdentityPool, key: str, token: str, operation: str) -> Proof:
    """The OpenID token that this pool gave out, for a developer's user above all (spec D.3, "After developer token").

    It buys no further one: a token that renews itself would never end (attack IP-S3.2).
    """
    if operation == "GetOpenIdToken":
        raise refusals.refused(refusals.NOT_OURS, "a token of ours is no proof for another one", "own_token")
    web = _read(kit, token, key)
    if web.pool is None or web.pool.id != pool.id:
        raise refusals.refused(refusals.WRONG_ISSUER, f"not a token of {pool.id}", "issuer_mismatch")
    amr = web.claims.get("amr")
    said = tuple(str(each) for each in amr) if isinstance(amr, list) else ()
    if "authenticated" not in said:
        raise refusals.refused(refusals.NOT_OURS, "the token of a guest proves nobody", "guest_token")
    return Proof(
        kind="openid", key=key, subject=_subject(web), mapping_key=key, claims=web.claims, audience=pool.id, amr=said[1:]
    )  # fmt: skip


def _read(kit: AccessKit, token: str, key: str) -> WebToken:
    try:
        return read_token(kit, token)
    except ExpiredIdentityToken as error:
        raise refusals.refused("Invalid login token. Token expired.", error.private, "login_expired") from None
    except IdpCommunication as error:
        raise ExternalService(f"{key}: {error.private}", code="issuer_away") from None
    except InvalidIdentityToken as error:
        words = refusals.UNSIGNED if "signature" in error.private or "key" in error.private else refusals.MALFORMED
        raise refusals.refused(words, f"{key}: {error.private}") from None


def audience_of(claims: Mapping[str, Any], allowed: tuple[str, ...]) -> str:
    """The client that a token is for, among those registered. Raises NotAuthorized."""
    azp, aud = claims.get("azp"), claims.get("aud")
    if aud is None:
        raise refusals.refused(refusals.NO_AUDIENCE, "no aud", "audience_missing")
    given = [azp] if isinstance(azp, str) else [aud] if isinstance(aud, str) else aud if isinstance(aud, list) else []
    # Several audiences and no authorized party: nobody could say for whom it was made.
    if len(given) != 1 or given[0] not in allowed:
        raise refusals.refused(refusals.NOT_OURS, f"the token is for {str(given)[:200]}", "audience_not_configured")
    return str(given[0])


def _subject(web: WebToken) -> str:
    try:
        return subject_of(web.claims, "login")
    except ResponseInvalid as error:
        raise refusals.refused(refusals.MALFORMED, error.private) from None
