"""The keys that each kind of provider has for itself: the fields of its options class, which also checks them."""

from __future__ import annotations

from importlib import import_module
from types import MappingProxyType

from pydantic import BaseModel

from providers.social.presets import PRESETS

# The adapters stand where the catalog has them; only the classes that hold their settings are named here.
OPTIONS = MappingProxyType(
    {
        "saml": ("providers.saml.options", "SamlOptions"),
        "oidc": ("providers.oidc.options", "OidcOptions"),
        "oauth2": ("providers.oauth2.options", "OAuth2Options"),
    }
)
# Options that Crossgate fills from keys of its own.
FILLED = frozenset({"metadata", "metadata_url"})


def options_class(kind: str) -> type[BaseModel]:
    """The options class of a kind; a social provider has that of its protocol."""
    module, name = OPTIONS[PRESETS[kind].protocol if kind in PRESETS else kind]
    found: type[BaseModel] = getattr(import_module(module), name)
    return found


def known_options(kind: str) -> frozenset[str]:
    """The names of the kind's own keys."""
    return frozenset(options_class(kind).model_fields)
