"""Which kinds of provider there are, and how each is made. The one place that knows rows, quirks and adapters together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from metadata.fetch import Fetcher
from providers.base import Provider, ProviderSpec, Toolbox
from providers.errors import ProviderError, ProviderMisconfigured
from providers.oauth.row import Quirk, SocialRow
from providers.oauth2.provider import OAuth2Provider
from providers.oidc.provider import OidcProvider
from providers.social.presets import PRESETS
from providers.social.quirks import github

Factory = Callable[[ProviderSpec, Toolbox], Provider]

QUIRKS: Mapping[str, Quirk] = {"github": github.read}

# For an operator who describes a provider himself: all from the options.
_BLANK = SocialRow(kind="oauth2", display="OAuth 2.0", protocol="oauth2", issuer="", subject="id", email_verified="never")


def _saml(spec: ProviderSpec, tools: Toolbox) -> Provider:
    # Imported when first wanted: its XML libraries would double the time in which a command starts.
    from providers.saml.provider import SamlProvider

    return SamlProvider.from_spec(spec, tools)


def _social(row: SocialRow, spec: ProviderSpec, tools: Toolbox) -> Provider:
    if row.protocol == "oauth2":
        return OAuth2Provider.from_row(row, QUIRKS.get(row.kind), spec, tools)
    said: dict[str, Any] = {
        "issuer": row.issuer,
        "issuer_aliases": row.issuer_aliases,
        "scopes": row.scopes,
        "token_auth": row.token_auth,
    }
    if row.authorize_params:
        said["authorize_params"] = dict(row.authorize_params)
    return OidcProvider.from_spec(replace(spec, options={**said, **spec.options}), tools)


FACTORIES: Mapping[str, Factory] = {
    "saml": _saml,
    "oidc": OidcProvider.from_spec,
    "oauth2": partial(OAuth2Provider.from_row, _BLANK, None),
    "github": partial(_social, PRESETS["github"]),
    "google": partial(_social, PRESETS["google"]),
}

KINDS: tuple[str, ...] = tuple(FACTORIES)


def build(spec: ProviderSpec, tools: Toolbox) -> Provider:
    """The adapter for this spec. Nothing is fetched yet. Raises ProviderMisconfigured."""
    factory = FACTORIES.get(spec.kind)
    if factory is None:
        raise ProviderMisconfigured(f"kind {spec.kind!r} is none of {', '.join(sorted(KINDS))}", reason="kind_unknown")
    return factory(spec, tools)


def validate(spec: ProviderSpec) -> str | None:
    """What is wrong with this spec, in words for an operator that name the option; None if nothing is. Nothing is fetched."""
    tools = Toolbox(clock=lambda: datetime.now(UTC), fetch=Fetcher(), token=lambda n: "")
    try:
        build(spec, tools)
    except ProviderError as e:
        return e.private
    return None
