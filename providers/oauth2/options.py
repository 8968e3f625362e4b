"""The settings of a plain OAuth 2.0 provider: a row of the table, and what the operator says otherwise."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from metadata.errors import DocumentInvalid
from metadata.oidc.discovery import check_endpoint
from providers.base import ProviderSpec
from providers.errors import ProviderMisconfigured
from providers.oauth.authorize import RESERVED
from providers.oauth.row import SocialRow
from providers.oauth.settings import plain_words

Words = Annotated[tuple[str, ...], BeforeValidator(lambda v: tuple(v.split()) if isinstance(v, str) else v)]


class OAuth2Options(BaseModel):
    """`ProviderSpec.options` of a plain OAuth 2.0 provider. What is left out comes from the row; a row-less one must give the URLs.

    URLs may be overridden for a self-hosted edition; `attributes_url` is the one that answers the user's profile.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    client_id: str = Field(min_length=1, max_length=512)
    scopes: Words | None = None
    authorize_url: str = ""
    token_url: str = ""
    attributes_url: str = ""
    subject: str = ""
    claims: dict[str, str] = Field(default_factory=dict)
    email_verified: Literal["claim", "never"] | None = None
    token_auth: Literal["client_secret_basic", "client_secret_post", "none"] | None = None
    authorize_params: dict[str, str] = Field(default_factory=dict)
    map_tokens: bool = False


def read_options(spec: ProviderSpec, row: SocialRow) -> tuple[OAuth2Options, SocialRow]:
    """The options, and the row with what they change. Raises ProviderMisconfigured, whose private half names the option."""
    try:
        options = OAuth2Options.model_validate(dict(spec.options))
    except ValidationError as e:
        raise ProviderMisconfigured(plain_words(e), reason="options_invalid") from None
    changed: dict[str, Any] = {
        "authorize_url": options.authorize_url,
        "token_url": options.token_url,
        "userinfo_url": options.attributes_url,
        "subject": options.subject,
        "scopes": options.scopes,
        "token_auth": options.token_auth,
        "email_verified": options.email_verified,
        "claims": {**row.claims, **options.claims},
        "authorize_params": {**row.authorize_params, **options.authorize_params},
    }
    row = replace(row, **{name: value for name, value in changed.items() if value})
    if bad := RESERVED & set(options.authorize_params):
        raise ProviderMisconfigured(f"authorize_params must not hold {', '.join(sorted(bad))}", reason="options_invalid")
    try:
        for name in ("authorize_url", "token_url", "userinfo_url"):
            setting = "attributes_url" if name == "userinfo_url" else name
            check_endpoint(getattr(row, name), setting, plain_http=spec.operator_declared)
    except DocumentInvalid as e:
        raise ProviderMisconfigured(e.private, reason="options_invalid") from None
    if row.token_auth != "none" and not spec.secrets.get("client_secret"):  # noqa: S105 - the name of a method
        raise ProviderMisconfigured("client_secret is missing", reason="client_secret_missing")
    return options, row
