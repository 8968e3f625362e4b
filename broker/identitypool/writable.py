"""Rules and tags that hang on what a user can write himself (attacks IP-S1.22, IP-S2.8): whoever sets his own department sets his own role.

A warning, not a refusal: the same claim may be safe where only an upstream fills it, which the operator knows and we do not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from broker.model.identity import IdentityPool
from broker.model.settings import AppClient, UserPool

# What people say of themselves at nearly every provider. `email` is safe only where something else says that it was verified.
SELF_ASSERTED = frozenset(
    {
        "name",
        "given_name",
        "family_name",
        "middle_name",
        "nickname",
        "preferred_username",
        "profile",
        "picture",
        "website",
        "gender",
        "birthdate",
        "zoneinfo",
        "locale",
        "address",
        "phone_number",
        "email",
    }
)
LOCAL = "COGNITO"
OWN_PROFILE = "aws.cognito.signin.user.admin"
_VERIFIED_BESIDE = {"email": "email_verified", "phone_number": "phone_number_verified"}


@dataclass(frozen=True, slots=True)
class Writable:
    """One warning: which mapping, which rule (from 1) or tag, which claim, and why."""

    provider: str
    claim: str
    why: str
    rule: int = 0
    tag: str = ""

    def __str__(self) -> str:
        what = f"rule {self.rule}" if self.rule else f"principal tag {self.tag}"
        return f"{what} of {self.provider} depends on the claim {self.claim}: {self.why}"


def writable_claims(pool: IdentityPool, clients: Mapping[str, tuple[UserPool, AppClient]]) -> tuple[Writable, ...]:
    """Every warning. `clients` are the user pool clients that the pool takes tokens of, by `PROVIDER:CLIENT_ID`.

    A user pool or client that is not among them is judged as if its users could write all their attributes.
    """
    return tuple(_warnings(pool, clients))


def _warnings(pool: IdentityPool, clients: Mapping[str, tuple[UserPool, AppClient]]) -> Iterator[Writable]:
    for key, mapping in pool.mappings.items():
        for number, rule in enumerate(mapping.rules, start=1):
            # An expression names its claims in ways that only an evaluation knows; those with a plain name are seen.
            names = [rule.claim] if rule.claim else sorted(_named(rule.expression))
            for claim in names:
                if (why := _why(pool, clients, key, claim)) is not None:
                    yield Writable(key, claim, why, rule=number)
    for key, tag_map in pool.tag_maps.items():
        for tag, claim in () if tag_map.use_defaults else tag_map.tags.items():
            if (why := _why(pool, clients, key, claim)) is not None:
                yield Writable(key, claim, why, tag=tag)


def _named(expression: str) -> set[str]:
    if any(f"claims.{beside}" in expression for beside in _VERIFIED_BESIDE.values()):
        return set()
    quoted = ("claims.{}", "claims['{}']", 'claims["{}"]')
    return {claim for claim in SELF_ASSERTED if any(form.format(claim) in expression for form in quoted)}


def _why(pool: IdentityPool, clients: Mapping[str, tuple[UserPool, AppClient]], key: str, claim: str) -> str | None:
    if key in pool.saml_providers:
        return None  # an assertion says what the customer's directory says
    of_users = [client for client in pool.user_pools if key in (client.provider, f"{client.provider}:{client.client_id}")]
    if not of_users:
        return "people usually write it themselves there" if claim in SELF_ASSERTED else None
    judged = [_why_of_client(clients.get(f"{client.provider}:{client.client_id}"), claim) for client in of_users]
    return next((why for why in judged if why is not None), None)


def _why_of_client(found: tuple[UserPool, AppClient] | None, claim: str) -> str | None:
    if claim == "cognito:username":
        return "users choose it when they sign up"
    if claim not in SELF_ASSERTED and not claim.startswith("custom:"):
        return None
    if found is None:
        return "its app client is not known, and may let users write it"
    users, client = found
    attribute = next((each for each in users.schema if each.name == claim), None)
    if attribute is not None and not attribute.mutable:
        return None
    if client.write_attributes is not None and claim not in client.write_attributes:
        return None
    if client.providers and LOCAL not in client.providers and OWN_PROFILE not in client.scopes:
        return None  # nobody signs up here, and no token writes: the attribute is what an upstream said
    return f"users of app client {client.id} may write it"
