"""THE TABLE: one row a social provider. Data only; what a row cannot say is in `quirks/`.

To add one: a row here, its sample reply in tests/golden/social/, and a quirk only if the row is not enough.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from providers.oauth.row import SocialRow

_ROWS = (
    SocialRow(
        kind="github",
        display="GitHub",
        protocol="oauth2",
        issuer="https://github.com",
        docs="https://docs.github.com/apps/oauth-apps",
        authorize_url="https://github.com/login/oauth/authorize",
        token_url="https://github.com/login/oauth/access_token",  # noqa: S106 - a URL
        userinfo_url="https://api.github.com/user",
        scopes=("read:user", "user:email"),
        # Not `login`: a name that was given up can be taken by somebody else.
        subject="id",
        claims={
            "preferred_username": "login",
            "name": "name",
            "picture": "avatar_url",
            "profile": "html_url",
            "website": "blog",
        },
        email_verified="quirk",
        headers={"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"},
        hints={"login_hint": "login", "prompt": "prompt"},
    ),
    SocialRow(
        kind="google",
        display="Google",
        protocol="oidc",
        issuer="https://accounts.google.com",
        # Google's own documents name both spellings.
        issuer_aliases=("accounts.google.com",),
        docs="https://developers.google.com/identity/openid-connect/openid-connect",
        scopes=("openid", "email", "profile"),
        token_auth="client_secret_post",  # noqa: S106 - the name of a method
    ),
)

PRESETS: Mapping[str, SocialRow] = MappingProxyType({row.kind: row for row in _ROWS})
