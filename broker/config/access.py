"""`[[role]]`, `[[policy]]`, `[[oidc_provider]]`, `[[saml_provider]]`: who may assume what, and what it may then do."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from broker.config.values import Contents, Issuer, Kind, Many, Table, matching

EntityName = Annotated[
    str, matching(r"[\w+=,.@-]{1,64}", "is not a name", "use up to 64 letters, digits and + = , . @ - _"), Kind("string")
]
PolicyName = Annotated[
    str, matching(r"[\w+=,.@-]{1,128}", "is not a name", "use up to 128 letters, digits and + = , . @ - _"), Kind("string")
]
EntityPath = Annotated[
    str,
    matching(r"/|/[\x21-\x29\x2b-\x3e\x40-\x7e]{1,510}/", "is not a path", "begin and end it with /, without * and ?"),
    Kind("path of an ARN"),
]
TagKey = Annotated[str, matching(r"[\w\s.:/=+@-]{1,128}", "is not a tag key", "use letters, digits, blanks and . : / = + - @ _")]


class InlinePolicy(Table):
    """A policy of one role: `{ name = "read", file = "read.json" }`, or with `document`."""

    name: PolicyName = Field(description="Name in the role.")
    file: Contents | None = Field(None, description="File with the JSON document. Give this or `document`.")
    document: str | None = Field(None, description="The JSON document itself.")


class Role(Table):
    """A role that identity pools hand out, and that our own STS lets assume."""

    name: EntityName = Field(description="Name, the last part of its ARN.")
    path: EntityPath = Field("/", description="Path in its ARN.")
    description: str = Field("", max_length=1000, description="For people.")
    trust_file: Contents | None = Field(
        None,
        description="File with the trust policy (JSON): who may assume the role. Without it and without `trust`, exactly the identity "
        "pools of this file that hand the role out may, and guests only where it is their role.",
    )
    trust: str | None = Field(None, description="The trust policy itself.")
    policies: Many[InlinePolicy] = Field((), description='What it may do: `{ name = "read", file = "read.json" }`, or `document`.')
    managed_policies: Many[str] = Field((), max_length=20, description="Names (of `[[policy]]`) or ARNs of further policies.")
    permissions_boundary: str | None = Field(None, description="Name or ARN of the policy that limits all the others.")
    tags: dict[TagKey, str] = Field(default_factory=dict, description="Tags of the role: `aws:PrincipalTag/KEY` where a session has none.")
    max_session_seconds: int = Field(3600, ge=900, le=43200, description="Longest session. Identity pools give one hour.")


class Policy(Table):
    """A policy with an ARN of its own, for several roles or as a session policy."""

    name: PolicyName = Field(description="Name, the last part of its ARN.")
    path: EntityPath = Field("/", description="Path in its ARN.")
    description: str = Field("", max_length=1000, description="For people.")
    file: Contents | None = Field(None, description="File with the JSON document. Give this or `document`.")
    document: str | None = Field(None, description="The JSON document itself.")


class OidcProvider(Table):
    """An OpenID issuer whose tokens identity pools and roles may trust."""

    issuer: Issuer = Field(description="Issuer, to the letter as its tokens have it.")
    client_ids: Many[str] = Field((), max_length=100, description="Audiences that count: `azp` where a token has it, else `aud`.")


class SamlProvider(Table):
    """A SAML IdP whose assertions identity pools and roles may trust."""

    name: PolicyName = Field(description="Name, the last part of its ARN.")
    metadata_file: Contents | None = Field(None, description="File with the IdP's metadata. Give this or `metadata`.")
    metadata: str | None = Field(None, repr=False, description="The metadata itself.")
    audience: str = Field("urn:amazon:webservices", min_length=1, max_length=1024, description="Audience that its assertions must name.")
    recipient: str = Field(
        "https://signin.aws.amazon.com/saml", min_length=1, max_length=1024, description="Recipient that they must name."
    )
