"""The keys of a `Logins` map: how each provider of an identity pool is called there (spec D.3)."""

from __future__ import annotations

import re

SOCIAL = ("accounts.google.com", "graph.facebook.com", "appleid.apple.com", "www.amazon.com", "api.twitter.com")
OPENID = "cognito-identity.amazonaws.com"
_REGION = re.compile(r"[a-z]{2,3}(?:-[a-z]+)+-\d+")


def user_pool_key(pool_id: str, region: str) -> str:
    """A user pool's key. Clients build it from the region that their pool's id begins with; `region` is for ids that name none."""
    named = pool_id.rpartition("_")[0]
    return f"cognito-idp.{named if _REGION.fullmatch(named) else region}.amazonaws.com/{pool_id}"


def without_scheme(url: str) -> str:
    """An issuer as a key: what follows `https://` (or `http://`, which only development has)."""
    return url.partition("://")[2] or url
