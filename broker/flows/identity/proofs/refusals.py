"""Why a login does not count, in the sentences that Cognito has for it (spec D.9). The exact reason goes to the log."""

from __future__ import annotations

from broker.api_errors import ExternalService, NotAuthorized
from providers.errors import ProviderError, ProviderMisconfigured, UpstreamUnavailable

MALFORMED = "Invalid login token. Not a valid OpenId Connect identity token."
UNSIGNED = "Invalid login token. Couldn't verify signed token."
WRONG_ISSUER = "Invalid login token. Issuer doesn't match providerName"
NO_AUDIENCE = "Invalid login token. Missing a required claim: aud"
NOT_OURS = "Token is not from a supported provider of this identity pool."
INACTIVE = "Token is inactive"
INVALID = "Invalid login token."


def refused(words: str, private: str, code: str = "login_invalid") -> NotAuthorized:
    """A login that does not count."""
    return NotAuthorized(private, public=words, code=code)


def expired(ended: float, now: float) -> NotAuthorized:
    """A token that has ended. The numbers stand as Cognito prints them."""
    return refused(f"Invalid login token. Token expired: {ended:.0f} >= {now:.0f}", "the token has expired", "login_expired")


def of_provider(error: ProviderError, key: str) -> NotAuthorized | ExternalService:
    """A refusal of the provider's floor: the provider is away, or the token does not hold."""
    private = f"{key}: {error.reason}: {error.private}"
    if isinstance(error, UpstreamUnavailable | ProviderMisconfigured):
        return ExternalService(private, code=error.reason)
    words = MALFORMED if error.reason.endswith(("_form", "_encrypted", "_typ", "_crit", "_kid", "_malformed")) else INVALID
    return refused(UNSIGNED if error.reason.endswith(("_signature", "_key", "_alg")) else words, private, error.reason)
