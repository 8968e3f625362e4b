"""The settings of an OpenID Connect provider, checked when they are saved rather than when somebody signs in."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from metadata.errors import DocumentInvalid
from metadata.oidc.discovery import check_endpoint
from metadata.oidc.jwks import ALGORITHMS
from providers.base import ProviderSpec
from providers.errors import ProviderMisconfigured
from providers.oauth.authorize import RESERVED
from providers.oauth.client import TokenAuth
from providers.oauth.settings import plain_words

HMAC_ALGORITHMS = ("HS256", "HS384", "HS512")
EXPLICIT = ("authorize_url", "token_url", "jwks_uri")
Hint = Literal["login_hint", "prompt", "acr_values", "max_age", "ui_locales"]


def _words(value: Any) -> Any:
    return tuple(value.split()) if isinstance(value, str) else value


Words = Annotated[tuple[str, ...], BeforeValidator(_words)]


class OidcOptions(BaseModel):
    """`ProviderSpec.options` of kind "oidc". Lists may also be written as words in one string. Times are in seconds.

    Endpoints come from discovery at `issuer`, or all from here: `authorize_url`, `token_url` and `jwks_uri` together, with
    `attributes_url` (UserInfo) and `end_session_url` if there are any. `clock_skew` is what two clocks may differ, at most 60.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    issuer: str = Field(min_length=1, max_length=512)
    client_id: str = Field(min_length=1, max_length=512)
    scopes: Words = ("openid", "email", "profile")
    token_auth: TokenAuth | None = None
    assertion_audience: Literal["issuer", "token_endpoint"] = "issuer"
    id_token_algs: Words = ("RS256", "RS384", "RS512", "ES256", "ES384", "ES512")
    authorize_url: str = ""
    token_url: str = ""
    attributes_url: str = ""
    jwks_uri: str = ""
    end_session_url: str = ""
    attributes_request_method: Literal["GET", "POST"] = "GET"
    userinfo: bool = True
    response_mode: Literal["query", "form_post"] = "query"
    iss_parameter: bool | None = None
    forward: tuple[Hint, ...] = ("login_hint", "prompt", "acr_values", "max_age", "ui_locales")
    authorize_params: dict[str, str] = Field(default_factory=dict)
    clock_skew: int = Field(default=30, ge=0, le=60)
    require_acr: bool = True
    trusted_audiences: Words = ()
    issuer_aliases: Words = ()
    tenants: Words = ()
    logout: bool = True
    map_tokens: bool = False

    @property
    def explicit(self) -> bool:
        """True if the endpoints are written here, and discovery is not asked."""
        return bool(self.authorize_url)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if "openid" not in self.scopes:
            raise ValueError("scopes must include openid")
        known = {*ALGORITHMS, *HMAC_ALGORITHMS}
        if not self.id_token_algs or not set(self.id_token_algs) <= known:
            raise ValueError(f"id_token_algs must be some of {', '.join(sorted(known))}")
        symmetric = set(self.id_token_algs) & set(HMAC_ALGORITHMS)
        if symmetric and symmetric != set(self.id_token_algs):
            raise ValueError("id_token_algs must not mix HS* with other algorithms")
        if symmetric and self.tenants:
            raise ValueError("tenants cannot go with HS* algorithms")
        given = [name for name in EXPLICIT if getattr(self, name)]
        if given and len(given) < len(EXPLICIT):
            raise ValueError(f"{', '.join(EXPLICIT)} must be given together, or none of them")
        if bad := RESERVED & set(self.authorize_params):
            raise ValueError(f"authorize_params must not hold {', '.join(sorted(bad))}")
        age = self.authorize_params.get("max_age", "0")
        if not (age.isascii() and age.isdecimal()):
            raise ValueError("authorize_params: max_age must be a whole number of seconds")
        if any(len(v) > 512 for v in self.authorize_params.values()):
            raise ValueError("authorize_params: a value is too long")
        return self


def read_options(spec: ProviderSpec) -> OidcOptions:
    """The options of this spec. Raises ProviderMisconfigured, whose private half names the option and the remedy."""
    try:
        options = OidcOptions.model_validate(dict(spec.options))
    except ValidationError as e:
        raise ProviderMisconfigured(plain_words(e), reason="options_invalid") from None
    secret = spec.secrets.get("client_secret", "")
    if options.token_auth in ("client_secret_basic", "client_secret_post") and not secret:
        raise ProviderMisconfigured(f"{options.token_auth} needs client_secret", reason="client_secret_missing")
    key = spec.signing_key or spec.secrets.get("private_key")
    if options.token_auth == "private_key_jwt" and not key:  # noqa: S105 - the name of a method
        raise ProviderMisconfigured("private_key_jwt needs private_key", reason="client_key_missing")
    if options.token_auth is None and not secret:
        raise ProviderMisconfigured(
            "client_secret is missing (for a public client set token_auth to none)",
            reason="client_secret_missing",
        )
    # RFC 7518 section 3.2: a key as long as the hash; a short secret can be guessed from one token.
    if set(options.id_token_algs) & set(HMAC_ALGORITHMS) and len(secret.encode()) < 32:
        raise ProviderMisconfigured("HS* needs a client_secret of 32 bytes or more", reason="client_secret_short")
    for name in ("issuer", *EXPLICIT, "attributes_url", "end_session_url"):
        url = getattr(options, name)
        if url:
            _check_url(url, name, spec.operator_declared)
    return options


def _check_url(url: str, name: str, operator_declared: bool) -> None:
    try:
        check_endpoint(url, name, plain_http=operator_declared)
    except DocumentInvalid as e:
        raise ProviderMisconfigured(e.private, reason="options_invalid") from None
    if name == "issuer" and "?" in url:
        raise ProviderMisconfigured("issuer must not have a query", reason="options_invalid")
