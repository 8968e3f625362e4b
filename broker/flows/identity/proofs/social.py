"""Tokens of Google, Apple, Facebook, Amazon and X, for the app that the identity pool names."""

from __future__ import annotations

from broker.api_errors import NotAuthorized
from broker.flows.access_kit import AccessKit
from broker.flows.identity.proofs import refusals
from broker.model.identity import IdentityPool
from broker.model.sts import Proof
from metadata.oidc.jwks import Key, KeySource
from providers.errors import ProviderError, ResponseInvalid
from providers.http import upstream
from providers.oidc.id_token import number, subject_of
from providers.oidc.jws import Rules, Verified, verify
from providers.social.tokens import SIGNED, AppTokens, Told, ask

AHEAD = 300
_RULES = Rules("login", ("RS256", "ES256"))


def social_token(kit: AccessKit, pool: IdentityPool, key: str, token: str, operation: str) -> Proof:
    """Raises NotAuthorized for a token of another app, ExternalService if the provider cannot be asked."""
    app_id = pool.social.get(key)
    if app_id is None:
        raise refusals.refused(refusals.NOT_OURS, f"{key} is not configured", "provider_not_configured")
    try:
        told = _signed(kit, pool, key, token) if key in SIGNED else ask(key, kit.fetch, _app(pool, key), token)
    except ProviderError as error:
        raise refusals.of_provider(error, key) from None
    return Proof(
        kind="social",
        key=key,
        subject=told.subject,
        mapping_key=key,
        claims=told.claims,
        audience=app_id,
        amr=(key, f"{key}:{app_id}:{told.subject}"),
    )


def _app(pool: IdentityPool, key: str) -> AppTokens:
    base = pool.social_urls.get(key, "")
    return AppTokens(pool.social[key], pool.secrets.get(key, ""), base, operator_declared=bool(base) and pool.owner == "file")


def _signed(kit: AccessKit, pool: IdentityPool, key: str, token: str) -> Told:
    """An ID token: signed by the provider, of the provider, for our app (`azp` or `aud`), alive."""
    row, own = SIGNED[key], pool.social_urls.get(key)
    url = own or row.jwks_uri
    declared = own is not None and pool.owner == "file"
    source = KeySource(kit.fetch, kit.trust.slot("social", url, declared), url, operator_declared=declared)

    def find(kid: str | None, alg: str) -> tuple[Key, ...]:
        with upstream("jwks"):
            return tuple(each.key for each in source.find(kid, alg, kit.base.now()))

    verified = verify(token, _RULES, find)
    if verified.claims.get("iss") not in row.issuers:
        raise refusals.refused(refusals.WRONG_ISSUER, f"not a token of {key}", "issuer_mismatch")
    _judge(verified, pool.social[key], kit.base.now().timestamp())
    return Told(subject_of(verified.claims, "login"), verified.claims)


def _judge(verified: Verified, app_id: str, now: float) -> None:
    claims = verified.claims
    aud, azp = claims.get("aud"), claims.get("azp")
    if aud is None:
        raise refusals.refused(refusals.NO_AUDIENCE, "no aud", "audience_missing")
    if app_id not in (aud, azp) or not isinstance(aud, str):
        raise _for_another(aud)
    exp, iat = number(claims, "exp", "login"), number(claims, "iat", "login")
    if exp is None or exp <= now:
        raise refusals.expired(exp or 0, now)
    if iat is None or iat > now + AHEAD:
        raise ResponseInvalid("login: issued in the future", reason="login_iat")


def _for_another(aud: object) -> NotAuthorized:
    return refusals.refused(refusals.NOT_OURS, f"the token is for {str(aud)[:200]}", "audience_not_configured")
