"""Why a sign-in at an upstream did not produce an identity. Public words never quote an attacker's input."""

from __future__ import annotations


class ProviderError(Exception):
    """`reason` is machine-readable and stable (it is audited); `public` may be shown; `private` goes to the log only."""

    reason = "provider_error"
    public = "The sign-in at your organization's identity provider did not succeed."

    def __init__(self, private: str = "", *, reason: str | None = None, public: str | None = None) -> None:
        if reason is not None:
            self.reason = reason
        if public is not None:
            self.public = public
        self.private = private or self.public
        super().__init__(f"{self.reason}: {self.private}")


class ResponseInvalid(ProviderError):
    """The upstream's answer is forged, stale, for someone else, or not as its protocol demands. Never retried."""

    reason = "response_invalid"
    public = "The identity provider's answer could not be verified."


class ResponseReplayed(ResponseInvalid):
    """The answer, or the request it answers, was used before."""

    reason = "response_replayed"


class UpstreamRefused(ProviderError):
    """The upstream itself said no (the user cancelled, access denied, a SAML status other than Success).

    `error` and `description` are the upstream's own words, cleaned to printable text and at most 200 characters.
    """

    reason = "upstream_refused"

    def __init__(self, error: str, description: str = "", private: str = "") -> None:
        self.error = error
        self.description = description
        super().__init__(private or f"{error}: {description}")


class UpstreamUnavailable(ProviderError):
    """The upstream could not be reached, was too slow, or answered nonsense. Trying again later may help."""

    reason = "upstream_unavailable"
    public = "The identity provider could not be reached. Please try again in a moment."


class ProviderMisconfigured(ProviderError):
    """A setting of ours, or the upstream's metadata, makes a sign-in impossible. The operator must act."""

    reason = "provider_misconfigured"
    public = "This identity provider is not set up correctly."
