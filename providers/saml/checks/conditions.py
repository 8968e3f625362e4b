"""Checks of the assertion's Conditions (saml-core-2.0-os, 2.5). All must hold; one that we do not know is one that does not hold."""

from __future__ import annotations

from lxml import etree

from metadata.saml.names import SAML, tag
from metadata.saml.xml import children, text
from providers.saml.expected import Expected, moment, quoted, refuse
from providers.saml.shape import AssertionParts

_AUDIENCES = tag(SAML, "AudienceRestriction")
_ONCE = tag(SAML, "OneTimeUse")
_PROXY = tag(SAML, "ProxyRestriction")


def times(parts: AssertionParts, want: Expected) -> None:
    """NotBefore may be left out, NotOnOrAfter may not; exact to the second with the clock skew (E21, E22)."""
    end = moment(parts.conditions.get("NotOnOrAfter"), "conditions_not_on_or_after")
    start = parts.conditions.get("NotBefore")
    if start is not None:
        begin = moment(start, "conditions_not_before")
        if begin >= end:
            refuse("conditions_empty_window", f"{begin} to {end}")
        if begin > want.now + want.skew:
            refuse("conditions_not_yet_valid", str(begin))
    if end <= want.now - want.skew:
        refuse("conditions_expired", str(end))


def known(parts: AssertionParts, want: Expected) -> None:
    """A condition that we do not understand makes the assertion indeterminate, and so refused (E33). OneTimeUse we keep by burning."""
    seen: set[str] = set()
    for condition in children(parts.conditions):
        if condition.tag == _AUDIENCES:
            continue
        if condition.tag not in (_ONCE, _PROXY):
            refuse("condition_unknown", quoted(condition.tag))
        if condition.tag in seen:
            refuse("condition_doubled", quoted(condition.tag))
        seen.add(str(condition.tag))


def audience(parts: AssertionParts, want: Expected) -> None:
    """At least one AudienceRestriction, and every one names us, exactly (E10 to E14)."""
    restrictions = parts.conditions.findall(_AUDIENCES)
    if not restrictions:
        refuse("audience_missing")
    for restriction in restrictions:
        if want.entity_id not in _audiences(restriction):
            refuse("audience_mismatch", quoted(_audiences(restriction)))


def _audiences(restriction: etree._Element) -> list[str]:
    elements = children(restriction)
    if not elements or any(element.tag != tag(SAML, "Audience") for element in elements):
        refuse("audience_malformed", "an AudienceRestriction must hold Audience elements")
    return [text(element) for element in elements]


def proxying(parts: AssertionParts, want: Expected) -> None:
    """A broker lives by issuing tokens from assertions: if the IdP limits that, we cannot keep it (E35; core 2.5.1.6)."""
    for restriction in parts.conditions.findall(_PROXY):
        count = restriction.get("Count")
        if count is not None and not (count.isascii() and count.isdigit() and len(count) < 10):
            refuse("proxy_restriction", quoted(count))
        if count is not None and int(count) == 0:
            refuse("proxy_restriction", "Count is 0")
        if len(restriction):
            refuse("proxy_restriction", "limited to named audiences, which our applications have no names in")
