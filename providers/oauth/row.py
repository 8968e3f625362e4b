"""The shape of a row in the table of social providers, and of the quirk that a row may need."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from providers.oauth.client import TokenAuth

Ask = Callable[[str], Any]
"""Ask the provider's API with the user's token: a path below the attributes URL, or a full URL of the same origin; JSON comes back, or
None for an answer of 403 or 404 (a scope that was not granted)."""


class Quirk(Protocol):
    """What a row cannot say: `profile` is the provider's first answer, the result is what counts instead."""

    def __call__(self, profile: Mapping[str, Any], ask: Ask) -> Mapping[str, Any]:
        """Raises ProviderError."""
        ...


@dataclass(frozen=True, slots=True)
class SocialRow:
    """One provider. `kind` is its name in settings, `display` the one on a button, `docs` where to register an application.

    `protocol` "oidc": `issuer` and discovery say the rest. "oauth2": the three URLs; `subject` is the member of the profile that never
    changes and is never given to another (not a login name); `claims` maps standard names to members, dotted for nested ones.
    `email_verified`: "claim" as the profile says, "quirk" if the quirk proves it, "never" if the provider does not tell.
    `hints` renames what the app asks for (login_hint ...) to the provider's own parameter; what is not there is not sent.
    """

    kind: str
    display: str
    protocol: Literal["oidc", "oauth2"]
    issuer: str
    docs: str = ""
    issuer_aliases: tuple[str, ...] = ()
    authorize_url: str = ""
    token_url: str = ""
    userinfo_url: str = ""
    scopes: tuple[str, ...] = ()
    separator: str = " "
    subject: str = "sub"
    claims: Mapping[str, str] = field(default_factory=dict)
    email_verified: Literal["claim", "quirk", "never"] = "claim"
    token_method: Literal["GET", "POST"] = "POST"  # noqa: S105 - a method
    token_auth: TokenAuth = "client_secret_post"  # noqa: S105 - the name of a method
    headers: Mapping[str, str] = field(default_factory=dict)
    hints: Mapping[str, str] = field(default_factory=dict)
    authorize_params: Mapping[str, str] = field(default_factory=dict)
