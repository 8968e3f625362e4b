"""`[[user_pool]]`: a tenant, with its clients, providers, resource servers and groups."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from broker.config.client import Client
from broker.config.provider import Provider
from broker.config.values import Host, Issuer, Kind, Logo, Many, Table, WebUrl, matching

Colour = Annotated[str, matching(r"#[0-9a-fA-F]{6}", "is not a colour", "write it like #2456d6"), Kind("colour")]
PoolId = Annotated[
    str,
    matching(r"(?=.{3,55}\Z)[A-Za-z0-9_-]+_[0-9a-zA-Z]+", "is not a pool id", "write a region, _, letters and digits, like eu-west-1_Demo"),
    Kind("string"),
]
ScopeName = Annotated[
    str, matching(r"[\x21\x23-\x2E\x30-\x5B\x5D-\x7E]{1,256}", "is not a scope name", 'remove blanks, /, " and \\'), Kind("string")
]
Identifier = Annotated[
    str,
    matching(r"[\x21\x23-\x5B\x5D-\x7E]{1,256}", "is not an identifier", 'use printable ASCII without blanks, " and \\'),
    Kind("string"),
]
GroupName = Annotated[str, matching(r"\S{1,128}", "is not a group name", "use up to 128 characters without blanks"), Kind("string")]
RoleArn = Annotated[
    str,
    matching(
        r"arn:[\w-]+:iam::[0-9]{12}:role/[\w+=,.@/-]+", "is not the ARN of a role", "write it like arn:aws:iam::000000000000:role/reader"
    ),
    Kind("ARN"),
]
PLUGIN = r"[A-Za-z_][\w.-]*(:[A-Za-z_][\w.]*)?"
Hook = Annotated[
    str, matching(PLUGIN, "does not name a plugin", "write it like package.module:name, or as an entry point's name"), Kind("plugin")
]
VersionedHook = Annotated[
    str,
    matching(
        PLUGIN + r"(@V[123]_0)?",
        "does not name a plugin",
        "write it like package.module:name, or as an entry point's name; @V1_0, @V2_0 or @V3_0 may follow",
    ),
    Kind("plugin"),
]


class Branding(Table):
    """What the pool's pages look like."""

    title: str = Field("", max_length=80, description="Heading of the sign-in page; the pool's name if it is empty.")
    logo_url: Logo | None = Field(None, description="Logo: an https address or a `data:image/...` URL.")
    accent: Colour | None = Field(None, description="Colour of buttons and links, like `#2456d6`.")
    accent_dark: Colour | None = Field(None, description="The same on a dark page.")
    support_url: WebUrl | None = Field(None, description="Where the error page sends people who need help.")


class Attribute(Table):
    """An attribute of the pool's profiles. The standard ones are there without being declared."""

    name: str = Field(
        description="A standard attribute (`email`, `given_name`, ...) to change how it behaves, or one of your own: `custom:NAME`."
    )
    type: Literal["String", "Number", "Boolean", "DateTime"] = Field("String", description="Type of a custom attribute.")
    required: bool = Field(False, description="Every profile must have it: sign-in fails without. Standard attributes only.")
    mutable: bool = Field(True, description="May change after the first sign-in. What a provider maps must be mutable.")
    min_length: int | None = Field(None, ge=0, le=2048, description="Fewest characters of a String.")
    max_length: int | None = Field(None, ge=0, le=2048, description="Most characters of a String (2048 at most).")
    min_value: float | None = Field(None, allow_inf_nan=False, description="Smallest Number.")
    max_value: float | None = Field(None, allow_inf_nan=False, description="Largest Number.")


class Scope(Table):
    """One scope of a resource server."""

    name: ScopeName = Field(description='Name, without blanks, `/`, `"` and `\\`.')
    description: str = Field("", max_length=256, description="What a user is told when he is asked for consent.")


class ResourceServer(Table):
    """An API of yours, with the scopes that clients may ask for."""

    identifier: Identifier = Field(description="Identifier, often its URL. Clients ask for `IDENTIFIER/SCOPE`.")
    name: str = Field("", max_length=256, description="Name that people see.")
    scopes: Many[Scope] = Field((), max_length=100, description="A list of `{ name, description }`.")


class Group(Table):
    """A group of users, named in the tokens of its members."""

    name: GroupName = Field(description="Name in `cognito:groups`, without blanks.")
    description: str = Field("", max_length=2048, description="For the console.")
    precedence: int | None = Field(None, ge=0, le=2**31 - 1, description="The lower, the stronger: decides which role is preferred.")
    role_arn: RoleArn | None = Field(None, description="Role that members prefer in an identity pool.")


class Pool(Table):
    """A user pool: one tenant, with an issuer, keys, pages and profiles of its own."""

    id: PoolId = Field(
        description="Pool id: a region, `_`, letters and digits, like `eu-west-1_Demo`. Part of the issuer and never changed later.",
    )
    name: str = Field("", max_length=128, description="Name that people see; the id if it is empty.")
    domain: Host | None = Field(None, description="Host name of the pool's own, at whose root its pages and endpoints also answer.")
    issuer: Issuer | None = Field(
        None, description="Issuer in place of `{public_url}/{id}`. It must lead here: clients fetch its discovery document."
    )
    case_sensitive: bool = Field(True, description="User names that differ only in case are different users.")
    session_minutes: float = Field(
        60, ge=1, le=1440, description="How long a browser stays signed in, counted from the sign-in; not prolonged by use."
    )
    email_first: bool = Field(False, description="Ask for the e-mail address first and choose the provider by its domain.")
    enabled: bool = Field(True, description="A pool that is not enabled signs nobody in.")
    branding: Branding = Field(Branding(), description="What its pages look like.")
    attribute: Many[Attribute] = Field((), description="Attributes of its profiles.")
    pre_token_hook: VersionedHook | None = Field(
        None,
        description="Plugin that may change claims before a token is issued: `package.module:name` on the Python path, or the name of an "
        "entry point in the group `crossgate.hooks`. `@V1_0`, `@V2_0` or `@V3_0` after it chooses Cognito's version of the event; `@V2_0` "
        "if none does. Only `@V3_0` is asked about `client_credentials` too.",
    )
    inbound_federation_hook: Hook | None = Field(
        None, description="Plugin that sees what a provider sent before it is mapped, named in the same two ways."
    )
    trace_retention_days: int | None = Field(
        None, ge=1, le=365, description="Days that its traces are kept, in place of `[trace] retention_days`."
    )
    client: Many[Client] = Field((), description="Its app clients.")
    provider: Many[Provider] = Field((), description="Its providers.")
    resource_server: Many[ResourceServer] = Field((), description="Its resource servers.")
    group: Many[Group] = Field((), description="Its groups.")
