"""Hooks as an operator would write them, named by the configuration of these journeys."""

from __future__ import annotations

from typing import Any


def pre_token(event: dict[str, Any]) -> dict[str, Any]:
    """Add, override and suppress, in both tokens, and tell what it was told. A user named `refused` gets nothing."""
    attributes = event["request"]["userAttributes"]
    if attributes.get("email", "").startswith("refused"):
        raise PermissionError("contractors stay outside")
    event["response"]["claimsAndScopeOverrideDetails"] = {
        "idTokenGeneration": {
            "claimsToAddOrOverride": {"plan": {"name": "gold"}, "trigger": event["triggerSource"], "sub": "evil"},
            "claimsToSuppress": ["given_name", "iss"],
        },
        "accessTokenGeneration": {
            "claimsToAddOrOverride": {"plan": "gold", "active": False},
            "scopesToAdd": ["extra"],
            "scopesToSuppress": ["profile"],
        },
        "groupOverrideDetails": {"groupsToOverride": ["hooked"], "iamRolesToOverride": [], "preferredRole": None},
    }
    return event


def inbound(event: dict[str, Any]) -> dict[str, Any]:
    """Replace what a SAML provider sent; leave an OpenID provider's claims alone. An address of `outside` is turned away."""
    told = event["request"]["attributes"]
    if "samlResponse" not in told:
        return event
    claims = told["samlResponse"]
    if str(claims.get("email", "")).startswith("outside"):
        raise PermissionError("nobody from outside")
    given = "Replaced " + str(claims.get("urn:oid:2.5.4.42", ""))
    event["response"]["userAttributesToMap"] = {"email": claims["email"], "urn:oid:2.5.4.42": given}
    return event
