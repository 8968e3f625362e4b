"""GitHub: the e-mail in the profile is whatever its owner likes to show; only the list of addresses says what was verified."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.oauth.row import Ask


def read(profile: Mapping[str, Any], ask: Ask) -> Mapping[str, Any]:
    """The profile with its e-mail replaced by the primary address if that is verified, and with none otherwise (OA-R4.10).

    Without the scope `user:email` the list is refused, and there is no e-mail. Raises UpstreamUnavailable.
    """
    told = {name: value for name, value in profile.items() if name not in ("email", "email_verified")}
    listed = ask("/emails")
    for entry in listed if isinstance(listed, list) else ():
        if not isinstance(entry, Mapping) or not isinstance(entry.get("email"), str):
            continue
        if entry.get("primary") is True and entry.get("verified") is True:
            return {**told, "email": entry["email"], "email_verified": True}
    return told
