"""Checks of the AuthnStatement: when, how strongly, and for how long (saml-core-2.0-os, 2.7.2)."""

from __future__ import annotations

from datetime import datetime, timedelta

from metadata.saml.names import SAML, tag
from metadata.saml.xml import text
from providers.saml.expected import Expected, moment, quoted, refuse
from providers.saml.shape import AssertionParts


def authn_instant(parts: AssertionParts, want: Expected) -> None:
    """Not of the future; after the request if it demanded a new sign-in (ForceAuthn); within max_age if there is one (E27)."""
    instant = authenticated_at(parts)
    if instant > want.now + want.skew:
        refuse("authn_instant_future", str(instant))
    if want.memo is None:
        return
    if want.memo.force_authn and instant < want.memo.sent_at - want.skew:
        refuse("force_authn_ignored", f"signed in at {instant}, asked at {want.memo.sent_at}")
    if want.memo.max_age is not None and instant < want.now - timedelta(seconds=want.memo.max_age) - want.skew:
        refuse("authn_too_old", f"signed in at {instant}")


def session_end(parts: AssertionParts, want: Expected) -> None:
    """The IdP's session must not be over (E25)."""
    end = session_not_on_or_after(parts)
    if end is not None and end <= want.now - want.skew:
        refuse("session_expired", str(end))


def authn_context(parts: AssertionParts, want: Expected) -> None:
    """One of the classes that the provider asks for, so that a weaker sign-in never passes for a stronger one (E40).

    It holds for unsolicited answers too. `authn_context_accept` says what "minimum", "maximum" and "better" accept besides.
    """
    accepted = want.options.accepted_contexts
    if accepted and context_class(parts) not in accepted:
        refuse("authn_context_weaker", quoted(context_class(parts)))


def authenticated_at(parts: AssertionParts) -> datetime:
    """AuthnInstant. Raises ResponseInvalid (authn_instant_missing, authn_instant_malformed)."""
    return moment(parts.authn.get("AuthnInstant"), "authn_instant")


def session_not_on_or_after(parts: AssertionParts) -> datetime | None:
    """SessionNotOnOrAfter, or None. Raises ResponseInvalid (session_not_on_or_after_malformed)."""
    value = parts.authn.get("SessionNotOnOrAfter")
    return None if value is None else moment(value, "session_not_on_or_after")


def context_class(parts: AssertionParts) -> str | None:
    """The AuthnContextClassRef, or None. Raises ResponseInvalid (authn_context_malformed)."""
    contexts = parts.authn.findall(tag(SAML, "AuthnContext"))
    if len(contexts) != 1:
        refuse("authn_context_malformed", f"{len(contexts)} AuthnContext")
    classes = contexts[0].findall(tag(SAML, "AuthnContextClassRef"))
    if len(classes) > 1:
        refuse("authn_context_malformed", "two AuthnContextClassRef")
    return text(classes[0]).strip() if classes else None
