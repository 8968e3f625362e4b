"""`[[user_pool.client]]`: an application that signs its users in here."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from broker.config.values import Contents, Kind, Many, RedirectUri, Secret, Table, WebUrl, matching

Flow = Literal["code", "implicit", "client_credentials"]
TokenAuth = Literal["secret", "private_key_jwt", "none"]
ClientId = Annotated[str, matching(r"[A-Za-z0-9_+]{1,128}", "is not a client id", "use up to 128 letters, digits, _ and +"), Kind("string")]
Minutes = Annotated[float, Field(gt=0), Kind("minutes")]
Days = Annotated[float, Field(gt=0), Kind("days")]


class Client(Table):
    """An application that signs its users in here, or that acts for itself (`client_credentials`)."""

    id: ClientId = Field(description="Client id: letters, digits, `_` and `+`. Unique in this Crossgate.")
    name: str = Field("", max_length=128, description="Name that people see where they are asked for consent.")
    secret: Secret | None = Field(
        None,
        repr=False,
        description="Client secret. Without it (and without keys) the client is public: a phone, a browser.",
    )
    token_auth: TokenAuth | None = Field(
        None,
        description="How the client proves itself: `secret` (Basic or form), `private_key_jwt` (its keys stand in `jwks`), `none`. "
        "Follows from `secret` and `jwks` if it is not given.",
    )
    jwks: dict[str, Any] | None = Field(None, description="Public keys of a `private_key_jwt` client, as a JWK set: `{ keys = [...] }`.")
    jwks_file: Contents | None = Field(None, description="The same from a JSON file.")
    redirect_uris: Many[RedirectUri] = Field(
        (),
        max_length=100,
        description="Addresses to which codes may be sent, compared character by character. https, http on localhost, or an app's own "
        "scheme.",
    )
    default_redirect_uri: str | None = Field(
        None, description="One of `redirect_uris`, kept as the AWS API has it. A request always names its own."
    )
    logout_uris: Many[RedirectUri] = Field((), max_length=100, description="Addresses to which a browser may return after sign-out.")
    flows: Many[Flow] = Field(
        ("code",), min_length=1, description="`code`; or `client_credentials`, alone. `implicit` may be stored but is always refused."
    )
    scopes: Many[str] = Field(
        ("openid", "email", "profile"),
        max_length=50,
        description="Scopes that it may ask for: `openid`, `email`, `phone`, `profile`, `aws.cognito.signin.user.admin`, or "
        "`IDENTIFIER/SCOPE` "
        "of a resource server of the pool.",
    )
    providers: Many[str] = Field(
        (),
        description="Providers of the pool that its users may choose, by name; `COGNITO` is the pool's own directory.",
    )
    require_pkce: bool = Field(True, description="Demand PKCE (S256). Only a client with a secret or keys may opt out.")
    third_party: bool = Field(False, description="Not your own application: users are asked for consent.")
    signing_alg: Literal["RS256", "ES256", "EdDSA"] = Field("RS256", description="Algorithm of its tokens.")
    id_token_minutes: Minutes = Field(60, description="Life of an ID token: 5 to 1440 minutes.")
    access_token_minutes: Minutes = Field(60, description="Life of an access token: 5 to 1440 minutes.")
    refresh_token_days: Days = Field(
        30,
        description="Life of a refresh token from the sign-in on; refreshing does not prolong it. 1 hour to 3650 days, and longer than the "
        "other "
        "two; fractions are allowed (`0.5`).",
    )
    rotation: bool | None = Field(
        None,
        description="Give a new refresh token at each refresh. An old one used again ends the whole sign-in. If it is not given: on for a "
        "public client (`token_auth` is `none`), whose tokens nothing else protects, and off for others.",
    )
    rotation_grace_seconds: int = Field(
        0,
        ge=0,
        le=60,
        description="With `rotation`: how long the previous token still works, for lost answers.",
    )
    read_attributes: Many[str] | None = Field(
        None,
        description="Attributes that tokens and userInfo may show it. All standard ones if it is not given; a `custom:` one is shown only "
        "if it is listed.",
    )
    write_attributes: Many[str] | None = Field(None, description="Attributes that a sign-in through it may write. All if it is not given.")
    backchannel_logout_uri: WebUrl | None = Field(
        None,
        description="Address that is told (OpenID Connect back-channel logout) when a session ends.",
    )
    logout_revokes: bool = Field(False, description="`/logout` also revokes the refresh tokens of the session.")
    revocation: bool = Field(True, description="Refresh tokens may be revoked, and access tokens of a revoked sign-in are refused.")
