"""The people whom the identity providers know."""

from __future__ import annotations

from typing import Any

PASSWORDS = {"alice": "alicepass", "bob": "bobpass"}
CLAIMS: dict[str, dict[str, Any]] = {
    "alice": {
        "email": "alice@example.org", "email_verified": True, "name": "Alice Liddell", "given_name": "Alice", "family_name": "Liddell",
        "groups": ["engineering", "admins"],
    },
    "bob": {
        "email": "bob@example.org", "email_verified": False, "name": "Bob Builder", "given_name": "Bob", "family_name": "Builder",
        "groups": ["sales"],
    },
}  # fmt: skip


def as_saml() -> dict[str, dict[str, list[str]]]:
    """As SimpleSAMLphp's exampleauth takes them: "name:password" to attributes of LDAP's names."""
    return {
        f"{who}:{PASSWORDS[who]}": {
            "uid": [who],
            "mail": [claims["email"]],
            "displayName": [claims["name"]],
            "givenName": [claims["given_name"]],
            "sn": [claims["family_name"]],
            "groups": claims["groups"],
        }
        for who, claims in CLAIMS.items()
    }


def as_oidc() -> dict[str, dict[str, Any]]:
    """As our script for oidc-provider takes them."""
    return {who: {"password": PASSWORDS[who], "claims": claims} for who, claims in CLAIMS.items()}
