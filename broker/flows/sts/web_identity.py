"""AssumeRoleWithWebIdentity: a token for credentials (API `sts`, spec E.4, F.6; attacks IP-S1.4, S1.6, S1.7, S2.10)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from broker.api_errors import InvalidIdentityToken, ValidationFailed
from broker.errors import MalformedPolicy
from broker.flows.access_kit import AccessKit
from broker.flows.sts import claims as read
from broker.flows.sts import limits
from broker.flows.sts.asks import WebIdentityAsk, WebIdentityAssumed
from broker.flows.sts.session import Entry, denied, enter, role_for, told
from broker.flows.sts.web_token import WebToken, malformed, read_token
from broker.identitypool.assume import Wish, pool_aliases, pool_names
from broker.identitypool.policy import arns
from broker.identitypool.policy.context import COGNITO, Principal
from broker.identitypool.policy.document import LARGEST_TRUST, compiled
from broker.identitypool.policy.trust import WITH_WEB_IDENTITY, fit_for_classic_flow
from broker.model.iam import OidcProvider, Role
from broker.model.identity import IdentityPool
from broker.model.sts import ContextValue

GUEST = "unauthenticated"


@dataclass(frozen=True, slots=True)
class _Bearer:
    """Whose token it is: the names of his provider, and the context keys that he has from now on."""

    names: tuple[str, ...]
    subject: str
    audience: str
    provider: str
    keys: Mapping[str, ContextValue]
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    identity: tuple[str, str] | None = None


def assume_role_with_web_identity(kit: AccessKit, ask: WebIdentityAsk) -> WebIdentityAssumed:
    """Verify the token, then the role's word on it.

    Raises InvalidIdentityToken, ExpiredIdentityToken, IdpCommunication, NotAllowed (also for a role that does not exist), ValidationFailed,
    MalformedPolicy, PackedPolicyTooLarge.
    """
    with told(kit, WITH_WEB_IDENTITY, ask.role_arn):
        limits.session_name(ask.session_name)
        if ask.provider_id is not None:
            words = "ProviderId is for OAuth 2.0 access tokens, which are not taken here; give an OpenID Connect token without it."
            raise ValidationFailed(f"provider id {ask.provider_id[:100]!r}", public=words)
        token = read_token(kit, ask.token)
        bearer = _of_pool(kit, token.pool, token) if token.pool is not None else _of_provider(kit, token)
        entry = _entry(ask, token, bearer)
        role = role_for(kit, entry)
        if token.pool is not None:
            _check_classic(kit, token.pool, entry, role)
        return WebIdentityAssumed(enter(kit, entry, role), bearer.subject, token.issuer, bearer.audience)


def _entry(ask: WebIdentityAsk, token: WebToken, bearer: _Bearer) -> Entry:
    tags, transitive = read.session_tags(token.claims)
    wish = Wish(
        action=WITH_WEB_IDENTITY,
        principal=Principal.federated(*bearer.names),
        session_name=ask.session_name,
        keys={**ask.around, **bearer.keys, "aws:FederatedProvider": bearer.provider},
        aliases=bearer.aliases,
        tags=tags,
        transitive_keys=transitive,
        source_identity=read.source_identity(token.claims),
    )
    return Entry(
        wish,
        ask.role_arn,
        who=f"{token.issuer}#{bearer.subject}",
        duration=ask.duration,
        policy=ask.policy,
        policy_arns=ask.policy_arns,
        carried=tags,
        provider=bearer.provider,
        federated=bearer.keys,
        identity=bearer.identity,
    )


def _of_pool(kit: AccessKit, pool: IdentityPool, token: WebToken) -> _Bearer:
    """An identity of one of our pools. It must still be there: a merged or disabled one gets nothing more (IP-S3.9)."""
    identity_id = read.text(token.claims, "sub")
    with kit.base.store.unit() as unit:
        identity = unit.pool_identities.get(identity_id)
    if identity is None or identity.pool_id != pool.id or not identity.enabled:
        raise InvalidIdentityToken(f"identity {identity_id} is gone or disabled", public="The identity of the token does not exist.")
    keys: dict[str, ContextValue] = {
        f"{COGNITO}:aud": pool.id,
        f"{COGNITO}:sub": identity_id,
        f"{COGNITO}:amr": _amr(token.claims),
    }
    aliases = pool_aliases(kit.identity_base, pool.id)
    return _Bearer(
        pool_names(kit.identity_base, kit.account.id, pool.id), identity_id, pool.id, COGNITO, keys, aliases, (identity_id, pool.id)
    )


def _check_classic(kit: AccessKit, pool: IdentityPool, entry: Entry, role: Role) -> None:
    """Whoever brings a pool's token here himself uses the classic flow, in which he chooses the role (row IP-S1.4)."""
    if not pool.allow_classic:
        raise denied(entry, f"identity pool {pool.id} does not allow the classic flow")
    if not pool.allow_guests and GUEST in _amr_of(entry):
        raise denied(entry, f"identity pool {pool.id} has no guests")
    try:
        trust = compiled(role.trust, "trust", LARGEST_TRUST)
    except MalformedPolicy as broken:
        raise denied(entry, broken.private) from None
    if not fit_for_classic_flow(trust, pool_aliases(kit.identity_base, pool.id)[COGNITO]):
        raise denied(entry, "in the classic flow a role's trust policy must have conditions on both :aud and :amr")


def _of_provider(kit: AccessKit, token: WebToken) -> _Bearer:
    provider = token.provider
    assert provider is not None
    name = provider.url.partition("://")[2] or provider.url
    audience, other = _audience(token.claims, provider)
    keys: dict[str, ContextValue] = {f"{name}:aud": audience, f"{name}:sub": read.text(token.claims, "sub")}
    if other is not None:
        # As AWS does with Google's tokens (spec F.4): with azp there, :aud is azp, and the aud itself is called :oaud.
        keys[f"{name}:oaud"] = other
    if "amr" in token.claims:
        keys[f"{name}:amr"] = _amr(token.claims)
    if name == "accounts.google.com" and isinstance(token.claims.get("email"), str):
        keys[f"{name}:email"] = str(token.claims["email"])
    arn = arns.oidc_provider(kit.account.id, name)
    return _Bearer((arn, name), read.text(token.claims, "sub"), audience, arn, keys)


def _audience(claims: Mapping[str, Any], provider: OidcProvider) -> tuple[str, str | None]:
    """The client that the token is for, among those registered: azp if it is there, else aud; and the aud beside an azp."""
    given = claims.get("aud")
    audiences = [given] if isinstance(given, str) else given
    if not isinstance(audiences, list) or not audiences or not all(isinstance(each, str) for each in audiences):
        raise malformed("aud is missing or malformed")
    azp = claims.get("azp")
    if azp is not None and not isinstance(azp, str):
        raise malformed("azp is malformed")
    offered = [azp] if azp is not None else audiences
    for each in offered:
        if each in provider.client_ids:
            return each, audiences[0] if azp is not None else None
    raise InvalidIdentityToken(f"audience {str(offered)[:200]} is not registered", public="Incorrect token audience")


def _amr(claims: Mapping[str, Any]) -> tuple[str, ...]:
    given = claims.get("amr", [])
    if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
        raise malformed("amr is not a list of strings")
    return tuple(given)


def _amr_of(entry: Entry) -> ContextValue:
    return entry.federated.get(f"{COGNITO}:amr", ())
