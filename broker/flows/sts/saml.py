"""AssumeRoleWithSAML: an assertion for credentials (API `sts`, spec E.4, F.6)."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha1

from broker.api_errors import ExpiredIdentityToken, InvalidIdentityToken, NotAllowed
from broker.flows.access_kit import AccessKit
from broker.flows.sts import limits
from broker.flows.sts.asks import SamlAsk, SamlAssumed
from broker.flows.sts.assertion import ATTRIBUTES, Accepted, read_assertion
from broker.flows.sts.session import Entry, enter, role_for, told
from broker.identitypool.assume import Wish
from broker.identitypool.policy.context import Principal
from broker.identitypool.policy.trust import WITH_SAML
from broker.identitypool.policy.words import not_authorized
from broker.model.sts import ContextValue

PURPOSE = "sts"
# Reasons of the reader that mean: too late.
_PAST = frozenset({"issue_instant_past", "conditions_expired", "subject_confirmation_expired", "session_expired"})
_STALE = "Token must be redeemed within 5 minutes of issuance"
_NOT_ISSUER = "Issuer not present in specified provider"


def assume_role_with_saml(kit: AccessKit, ask: SamlAsk) -> SamlAssumed:
    """Verify the assertion, burn it, then the role's word on it.

    Raises InvalidIdentityToken, ExpiredIdentityToken, NotAllowed (also for a role that does not exist), ValidationFailed, MalformedPolicy,
    PackedPolicyTooLarge.
    """
    with told(kit, WITH_SAML, ask.role_arn):
        accepted = _read(kit, ask)
        entry = _entry(kit, ask, accepted)
        if ask.role_arn not in accepted.roles:
            raise NotAllowed(f"the assertion does not pair {ask.role_arn[:200]!r} with its provider", public=not_authorized(WITH_SAML))
        assumed = enter(kit, entry, role_for(kit, entry))
        qualifier = name_qualifier(accepted, kit.account.id)
        return SamlAssumed(assumed, accepted.subject, accepted.subject_type, accepted.issuer, accepted.recipient, qualifier)


def name_qualifier(accepted: Accepted, account_id: str) -> str:
    """Issuer, account and provider in one short text that trust policies compare (`saml:namequalifier`)."""
    text = f"{accepted.issuer}{account_id}/{accepted.provider.name}"
    return b64encode(sha1(text.encode(), usedforsecurity=False).digest()).decode("ascii")


def _read(kit: AccessKit, ask: SamlAsk) -> Accepted:
    """In the words of STS."""
    try:
        return read_assertion(kit, ask.principal_arn, ask.assertion, PURPOSE)
    except InvalidIdentityToken as refused:
        if refused.code in _PAST:
            raise ExpiredIdentityToken(refused.private, public=_STALE) from None
        if refused.code == "no_provider":
            raise NotAllowed(refused.private, public=refused.public) from None
        if refused.code == "issuer_mismatch":
            raise InvalidIdentityToken(refused.private, public=_NOT_ISSUER) from None
        raise


def _entry(kit: AccessKit, ask: SamlAsk, accepted: Accepted) -> Entry:
    name = _single(accepted, "RoleSessionName")
    if name is None or not limits.SESSION_NAME.fullmatch(name):
        words = "RoleSessionName is required in AuthnResponse" if name is None else "RoleSessionName in AuthnResponse is malformed"
        raise InvalidIdentityToken(words, public=words)
    tags = limits.tags(_tags(accepted))
    keys = _keys(kit, accepted)
    wish = Wish(
        action=WITH_SAML,
        principal=Principal.federated(ask.principal_arn),
        session_name=name,
        keys={**ask.around, **keys, "aws:FederatedProvider": ask.principal_arn},
        tags=tags,
        transitive_keys=limits.transitive_keys(_several(accepted, "TransitiveTagKeys"), tags),
        source_identity=limits.source_identity(_single(accepted, "SourceIdentity")),
    )
    return Entry(
        wish,
        ask.role_arn,
        who=f"{ask.principal_arn}#{accepted.subject}",
        duration=ask.duration,
        policy=ask.policy,
        policy_arns=ask.policy_arns,
        carried=tags,
        provider=ask.principal_arn,
        federated=keys,
        most=_most(accepted),
        until=accepted.ends_at,
    )


def _most(accepted: Accepted) -> int | None:
    """How long the IdP lets the session last. Raises InvalidIdentityToken."""
    given = _single(accepted, "SessionDuration")
    if given is None:
        return None
    if not (given.isascii() and given.isdigit() and len(given) < 8) or not limits.MIN_SECONDS <= int(given) <= limits.MAX_SECONDS:
        words = "SessionDuration in AuthnResponse is not between 900 and 43200"
        raise InvalidIdentityToken(words, public=words)
    return int(given)


def _keys(kit: AccessKit, accepted: Accepted) -> dict[str, ContextValue]:
    """What trust policies may ask of the assertion, and the session's policies afterwards (spec F.4)."""
    return {
        "saml:aud": accepted.recipient,
        "saml:iss": accepted.issuer,
        "saml:sub": accepted.subject,
        "saml:sub_type": accepted.subject_type,
        "saml:namequalifier": name_qualifier(accepted, kit.account.id),
        "saml:doc": f"{kit.account.id}/{accepted.provider.name}",
    }


def _tags(accepted: Accepted) -> list[tuple[str, str]]:
    """`PrincipalTag:KEY` attributes, each of one value."""
    start = f"{ATTRIBUTES}PrincipalTag:"
    return [(name.removeprefix(start), _one(name, value)) for name, value in accepted.claims.items() if name.startswith(start)]


def _single(accepted: Accepted, name: str) -> str | None:
    value = accepted.claims.get(ATTRIBUTES + name)
    return None if value is None else _one(name, value)


def _several(accepted: Accepted, name: str) -> list[str]:
    value: object = accepted.claims.get(ATTRIBUTES + name, [])
    return [value] if isinstance(value, str) else [str(each) for each in value] if isinstance(value, list | tuple) else []


def _one(name: str, value: object) -> str:
    if not isinstance(value, str):
        words = f"{name.removeprefix(ATTRIBUTES)[:128]} in AuthnResponse must have one value"
        raise InvalidIdentityToken(words, public=words)
    return value
