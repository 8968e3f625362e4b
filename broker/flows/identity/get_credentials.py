"""GetCredentialsForIdentity: identity -> role and tags -> temporary credentials (spec D.7, in its order)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from broker.api_errors import ApiError, InvalidPoolConfiguration, NotAuthorized
from broker.flows.access_kit import AccessKit
from broker.flows.identity.lookups import refusals_told
from broker.flows.identity.signing_in import SignedIn, TokenFor, make_token, sign_in, tags_for
from broker.identitypool.openid import amr_of, context_of
from broker.identitypool.policy.scope_down import guest_session_policies
from broker.identitypool.rules import Resolution, RoleAsk, resolve_role
from broker.identitypool.tags import TagSet
from broker.model.sts import Credentials, Grant

SESSION_NAME = "CognitoIdentityCredentials"
TTL = 3600
"""Seconds. Cognito leaves no choice here."""
PROVIDER = "cognito-identity.amazonaws.com"
_STEPS_TOLD = 30


def get_credentials(
    kit: AccessKit, identity_id: str, logins: Mapping[str, str], custom_role_arn: str | None = None
) -> tuple[str, Credentials]:
    """Identity id, which may be another than was asked with, and credentials for an hour.

    Raises ResourceNotFound, NotAuthorized, ResourceConflict, InvalidPoolConfiguration (the role is unset, gone, of another account, or does
    not let the sign-in or its tags in), ExternalService.
    """
    with refusals_told(kit, "credentials.refused", identity=identity_id):
        known = sign_in(kit, identity_id, logins, "GetCredentialsForIdentity")
    resolution = resolve_role(RoleAsk(known.pool, known.proofs, kit.account.id, custom_role_arn))
    detail = _detail(known, resolution)
    try:
        role_arn = role_or_refusal(resolution)
        tags = tags_for(known.pool, known.proofs, resolution.provider)
        detail["tags"] = sorted(tags.tags)
        credentials = kit.credentials.issue(grant_for(kit, known, role_arn, tags))
    except ApiError as error:
        detail |= {"private": error.private[:500], "steps": told_steps(resolution)}
        kit.base.audit("credentials.refused", "refused", error.code, detail, pool_id=known.pool.id)
        raise
    kit.base.audit("credentials.issued", "ok", resolution.steps[-1].what[:200], detail, pool_id=known.pool.id)
    return known.identity.id, credentials


def role_or_refusal(resolution: Resolution) -> str:
    """The role. Raises NotAuthorized or InvalidPoolConfiguration, in the words of spec D.8 and D.9."""
    why = resolution.steps[-1].why
    if resolution.role_arn is not None:
        return resolution.role_arn
    if resolution.refusal == "denied":
        words = f"The ambiguous role mapping rules for: {resolution.provider} denied this request."
        raise NotAuthorized(why, public=words, code="role_denied")
    if resolution.refusal == "custom_role":
        raise NotAuthorized(why, public="The role that was asked for cannot be assumed.", code="custom_role_refused")
    raise InvalidPoolConfiguration(why, code="role_not_configured")


def told_steps(resolution: Resolution) -> list[str]:
    """The way to a role, line by line, for the log."""
    return [f"{step.what}: {step.why}"[:200] for step in resolution.steps[-_STEPS_TOLD:]]


def _detail(known: SignedIn, resolution: Resolution) -> dict[str, Any]:
    detail: dict[str, Any] = {"identity": known.identity.id, "logins": [proof.key for proof in known.proofs]}
    if resolution.role_arn is not None:
        detail["role"] = resolution.role_arn
    if resolution.provider:
        detail["mapping"] = resolution.provider
    if resolution.rule:
        detail["rule"] = resolution.rule
    return detail


def grant_for(kit: AccessKit, known: SignedIn, role_arn: str, tags: TagSet) -> Grant:
    """What the issuer is asked for. No token is signed before the issuer wants it."""
    pool, amr = known.pool, amr_of(known.proofs)
    # Guests may do what their role and the service allow, never the role alone (attack IP-S1.3).
    policies = () if known.proofs else guest_session_policies(pool.guest_inline_policy, pool.guest_managed_policy)
    token = TokenFor(pool.id, known.identity.id, amr, tags.tags)
    return Grant(
        openid_token=lambda: make_token(kit, token),
        provider=PROVIDER,
        role_arn=role_arn,
        session_name=SESSION_NAME,
        ttl=TTL,
        tags=tags.tags,
        session_policies=policies,
        federated=context_of(pool.id, known.identity.id, amr),
        identity_id=known.identity.id,
        identity_pool_id=pool.id,
    )
