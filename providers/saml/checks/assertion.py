"""Checks of the assertion as a whole."""

from __future__ import annotations

from metadata.saml.xml import is_ncname
from providers.saml.checks import envelope
from providers.saml.expected import Expected, quoted, refuse
from providers.saml.shape import AssertionParts


def version(parts: AssertionParts, want: Expected) -> None:
    """2.0 and an ID, by which a replay is known (E38)."""
    if parts.root.get("Version") != "2.0":
        refuse("version", quoted(parts.root.get("Version")))
    if not is_ncname(parts.root.get("ID", "")):
        refuse("id_missing", "no ID, or not an NCName")


def issuer(parts: AssertionParts, want: Expected) -> None:
    """The assertion's own Issuer is the IdP that we expect (E41, K2 to K6)."""
    envelope.check_issuer(parts.issuer, want)


def issue_instant(parts: AssertionParts, want: Expected) -> None:
    """As of the Response (E26)."""
    envelope.issue_instant(parts.root, want)
