"""`[[identity_pool]]`: which sign-ins it takes, and which role and tags they get."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from broker.config.values import Contents, FetchedUrl, Issuer, Kind, Many, Secret, Table, matching

IdentityPoolId = Annotated[
    str,
    matching(
        r"[\w-]{1,18}:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        "is not the id of an identity pool",
        "write the region, a colon and a random UUID in lower case (uuidgen)",
    ),
    Kind("string"),
]
PoolName = Annotated[
    str, matching(r"[\w\s+=,.@-]{1,128}", "is not a name", "use letters, digits, blanks and + = , . @ - _"), Kind("string")
]
DeveloperName = Annotated[str, matching(r"[\w._-]{1,128}", "is not a provider name", "use letters, digits and . _ -"), Kind("string")]


class Rule(Table):
    """One rule: `{ claim = "custom:department", value = "marketing", role = "marketing" }`. The first that matches decides."""

    role: str = Field(min_length=1, description="Name (of `[[role]]`) or ARN of the role.")
    claim: str = Field("", max_length=64, description="Claim of the token.")
    match: Literal["Equals", "Contains", "StartsWith", "NotEqual"] = Field("Equals", description="How it compares. Case counts.")
    value: str = Field("", max_length=128, description="What it is compared with. A list matches if one of its members does.")
    expression: str = Field(
        "", max_length=1024, description='CEL over `claims`, in place of the three: `"staff" in claims.groups`. Needs the extra `cel`.'
    )


class RoleChoice(Table):
    """What every provider of an identity pool has."""

    role_from: Literal["authenticated", "token", "rules"] = Field(
        "authenticated", description="The pool's role for everybody, the role that the token prefers (`cognito:preferred_role`), or rules."
    )
    ambiguous: Literal["deny", "authenticated"] = Field("deny", description="What if rules or token decide nothing.")
    rules: Many[Rule] = Field((), max_length=25, description="In order, for `role_from` = `rules`.")
    tags: dict[str, str] = Field(
        default_factory=dict,
        max_length=50,
        description="Principal tags: tag on the left, claim on the right. A missing claim gives no tag.",
    )
    default_tags: bool = Field(False, description="The tags `client` and `username` instead, from the audience and the subject.")


class UserPoolLogin(RoleChoice):
    """ID tokens of a user pool of this broker."""

    id: str = Field(min_length=1, description="Id of the user pool.")
    client: str = Field(min_length=1, description="App client whose tokens count.")
    server_side_token_check: bool = Field(False, description="Also ask whether the user is still signed in, enabled and there.")


class OidcLogin(RoleChoice):
    """ID tokens of an `[[oidc_provider]]`."""

    issuer: Issuer = Field(description="Its issuer.")


class SamlLogin(RoleChoice):
    """Assertions of a `[[saml_provider]]`. Their own Role attribute chooses the role."""

    name: str = Field(min_length=1, description="Its name.")
    audience: str | None = Field(
        None, min_length=1, max_length=1024, description="Audience of assertions for this pool alone. Otherwise the provider's."
    )
    recipient: str | None = Field(
        None, min_length=1, max_length=1024, description="Recipient of assertions for this pool alone. Otherwise the provider's."
    )


class SocialLogin(RoleChoice):
    """Tokens of Google, Facebook, Apple, Amazon or X."""

    host: Literal["accounts.google.com", "graph.facebook.com", "appleid.apple.com", "www.amazon.com", "api.twitter.com"] = Field(
        description="Which: the key in `Logins`."
    )
    app_id: str = Field(min_length=1, max_length=128, description="Our app or client id there; the consumer key at X.")
    secret: Secret | None = Field(None, repr=False, description="Facebook: app secret. X: consumer secret. The others need none.")
    api_url: FetchedUrl | None = Field(
        None, description="Address of its API in place of the documented one, without a path; for Google and Apple, that of the key set."
    )


class IdentityPool(Table):
    """From a proof of sign-in to an identity, a role, principal tags and temporary credentials."""

    id: IdentityPoolId = Field(description="`REGION:UUID`. Applications know the pool by it; it never changes.")
    name: PoolName = Field(description="For people.")
    guests: bool = Field(False, description="Give identities and credentials to people who have not signed in.")
    classic_flow: bool = Field(
        False, description="Allow GetOpenIdToken and AssumeRoleWithWebIdentity by the application itself: it then chooses the role."
    )
    developer_provider: DeveloperName | None = Field(
        None, description="Name under which your own backend vouches for users. Never change it."
    )
    authenticated_role: str | None = Field(None, description="Name or ARN of the role of people who signed in.")
    guest_role: str | None = Field(None, description="Name or ARN of the role of guests.")
    guest_policy_file: Contents | None = Field(
        None, description="Session policy (JSON) that limits guests, beside their role. Ours allows the services that AWS allows guests."
    )
    tags: dict[str, str] = Field(default_factory=dict, description="Tags of the pool as a resource.")
    user_pool: Many[UserPoolLogin] = Field((), max_length=50)
    oidc: Many[OidcLogin] = Field(())
    saml: Many[SamlLogin] = Field(())
    social: Many[SocialLogin] = Field((), max_length=10)
