"""Which profile an upstream identity reaches (spec B.10, B.11): its own, one linked to it, or none yet.

An e-mail address never decides by default. It may, per provider, within domains that the provider's organization has proved, if the
upstream vouches for it and the profile's own address is verified, and never when the profile already has another subject at that
provider: a recycled address with a new subject must not inherit the old profile (SAML-K13, OA-R4.7).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from broker.errors import Conflict, LinkRefused
from broker.model.schema import canonical_email
from broker.model.settings import ProviderRecord, UserPool
from broker.model.users import LinkedIdentity, PendingLink, User
from broker.ports.store import Unit
from providers.base import UpstreamIdentity

MAX_LINKED = 5  # spec B.10


@dataclass(frozen=True, slots=True)
class Reached:
    """The profile and how it was found: subject, pending_link, verified_email, or None for a first sign-in."""

    user: User | None
    how: str


def provider_type(kind: str) -> str:
    """The `providerType` of spec A.6 for a provider's kind."""
    return {"saml": "SAML", "google": "Google", "facebook": "Facebook", "amazon": "LoginWithAmazon", "apple": "SignInWithApple"}.get(
        kind, "OIDC"
    )


def username_of(pool: UserPool, record: ProviderRecord, identity: UpstreamIdentity) -> str:
    """`Provider_subject`, in lower case where the pool is case-insensitive; the comparison of subjects stays exact (spec A.6)."""
    name = f"{record.name}_{identity.subject}"
    return name if pool.case_sensitive else name.lower()


def reach(unit: Unit, record: ProviderRecord, identity: UpstreamIdentity, claims: Mapping[str, str], now: datetime) -> Reached:
    """Find the profile: by subject, then by a pending link's attribute, then, if the provider allows it, by a verified address."""
    pool_id = record.pool_id
    if identity.transient:
        return Reached(None, "transient")
    known = unit.identities.find(pool_id, record.name, identity.subject_key)
    if known is not None:
        return Reached(unit.users.get(pool_id, known.user_sub), "subject")
    values = {**claims, "Cognito_Subject": identity.subject}
    for pending in unit.identities.pending(pool_id, record.name, values, take=True):
        user = unit.users.get(pool_id, pending.user_sub)
        if user is not None:
            join(unit, record, identity, user, now)
            return Reached(user, "pending_link")
    user = _by_verified_email(unit, record, claims)
    if user is not None:
        join(unit, record, identity, user, now)
        return Reached(user, "verified_email")
    return Reached(None, "first_sign_in")


def _by_verified_email(unit: Unit, record: ProviderRecord, claims: Mapping[str, str]) -> User | None:
    address = canonical_email(claims.get("email", "").strip())
    if not record.link_verified_email or claims.get("email_verified") != "true":
        return None
    if address.rpartition("@")[2] not in record.proved_domains:
        return None
    owners = [
        user
        for user in unit.users.by_attribute(record.pool_id, "email", address)
        if user.attributes.get("email_verified") == "true" and user.status != "UNCONFIRMED"
    ]
    if len(owners) != 1:
        return None
    held = unit.identities.of_user(record.pool_id, owners[0].sub)
    return None if any(link.provider == record.name for link in held) else owners[0]


def join(unit: Unit, record: ProviderRecord, identity: UpstreamIdentity, user: User, now: datetime, *, primary: bool = False) -> None:
    """Let this identity reach the profile. Raises LinkRefused past five linked identities."""
    if len(unit.identities.of_user(user.pool_id, user.sub)) >= MAX_LINKED + 1:
        raise LinkRefused(f"user {user.sub} has {MAX_LINKED} linked identities already")
    unit.identities.add(
        LinkedIdentity(
            pool_id=user.pool_id,
            provider=record.name,
            subject_key=identity.subject_key,
            subject=identity.subject,
            user_sub=user.sub,
            provider_type=provider_type(record.kind),
            issuer=identity.issuer if record.kind == "saml" else None,
            primary=primary,
            created_at=now,
        )
    )


def link_for_user(unit: Unit, destination: User, source: PendingLink) -> None:
    """AdminLinkProviderForUser: a trust statement by an administrator, honoured at the source's first sign-in.

    Raises LinkRefused if the source has a profile of its own, or the destination has five links.
    """
    if source.attribute == "Cognito_Subject":
        pool, name = unit.pools.get(destination.pool_id, destination.pool_id), f"{source.provider}_{source.value}"
        taken = unit.users.by_username(destination.pool_id, name if pool is not None and pool.case_sensitive else name.lower())
        if taken is not None and taken.sub != destination.sub:
            raise LinkRefused(
                "the source has signed in before",
                public="Merging is not currently supported, provide a SourceUser that has not been signed up in order to link",
            )
    if len(unit.identities.of_user(destination.pool_id, destination.sub)) >= MAX_LINKED + 1:
        raise LinkRefused("too many links", public="A user can have at most 5 linked identities.")
    try:
        unit.identities.add_pending(replace(source, pool_id=destination.pool_id, user_sub=destination.sub))
    except Conflict as exists:
        raise LinkRefused(str(exists), public="This source is already linked to another user.") from exists


def take_link(unit: Unit, user: User, provider: str, subject: str) -> LinkedIdentity:
    """Take a link away, and return it; `broker.flows.unlink` ends what rests on it. Raises LinkRefused if the user has no such link."""
    for link in unit.identities.of_user(user.pool_id, user.sub):
        if link.provider == provider and link.subject == subject:
            unit.identities.remove(user.pool_id, provider, link.subject_key)
            return link
    raise LinkRefused("no such link", public="This identity is not linked.")
