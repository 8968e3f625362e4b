"""Every refusal of the broker. Public words may be shown; the private half goes to the log with the request id, never to the wire.

Faces own the wire: each has one table from these classes to its own error format, and a test holds that the table covers every leaf class.
"""

from __future__ import annotations


class BrokerError(Exception):
    """`code` is machine-readable and audited; `public` may be shown to anyone; `private` is for the operator."""

    code = "broker_error"
    public = "The request could not be completed."

    def __init__(self, private: str = "", *, public: str | None = None, code: str | None = None) -> None:
        if public is not None:
            self.public = public
        if code is not None:
            self.code = code
        self.private = private or self.public
        super().__init__(f"{self.code}: {self.private}")


class InvalidRequest(BrokerError):
    """A parameter is missing, doubled, over-long or malformed (RFC 6749 5.2 invalid_request)."""

    code = "invalid_request"
    public = "The request is missing a parameter, repeats one, or has one that is malformed."


class PayloadTooLarge(InvalidRequest):
    """The body is larger than any honest one."""

    code = "payload_too_large"
    public = "The request is too large."


class NotFound(BrokerError):
    """No such pool, client, provider or page."""

    code = "not_found"
    public = "There is nothing at this address."


class UnknownHost(BrokerError):
    """The Host header names none of our hosts (421, RFC 9110 15.5.20)."""

    code = "unknown_host"
    public = "This server does not answer for that host name."


class UntrustedRedirect(BrokerError):
    """client_id or redirect_uri cannot be trusted: show a page, never redirect (RFC 6749 4.1.2.1)."""

    code = "redirect_mismatch"
    public = "The application sent an address to return to that is not registered for it."


class UnauthorizedClient(BrokerError):
    """The client may not use this grant or response type."""

    code = "unauthorized_client"
    public = "The application is not allowed to do this."


class InvalidClient(BrokerError):
    """Client authentication failed. Unknown client and wrong secret are the same error on purpose."""

    code = "invalid_client"
    public = "Client authentication failed."


class InvalidGrant(BrokerError):
    """Code or refresh token is unknown, used, expired, revoked, or was issued to another client."""

    code = "invalid_grant"
    public = "The grant is invalid, expired, revoked or was issued to another client."


class UnsupportedGrantType(BrokerError):
    """A grant type that we do not offer."""

    code = "unsupported_grant_type"
    public = "This grant type is not supported."


class UnsupportedResponseType(BrokerError):
    """A response type that we do not offer."""

    code = "unsupported_response_type"
    public = "This response type is not supported."


class UnsupportedTokenType(BrokerError):
    """Only refresh tokens can be revoked here (RFC 7009 2.2.1)."""

    code = "unsupported_token_type"
    public = "Only refresh tokens can be revoked."


class InvalidScope(BrokerError):
    """A scope that the client does not have."""

    code = "invalid_scope"
    public = "A requested scope is unknown or not allowed for this application."


class InvalidTarget(BrokerError):
    """A resource that is not an absolute URI we may name (RFC 8707 2)."""

    code = "invalid_target"
    public = "The requested resource is invalid, unknown or malformed."


class LoginRequired(BrokerError):
    """prompt=none, and nobody is signed in."""

    code = "login_required"
    public = "Sign-in is required."


class ConsentRequired(BrokerError):
    """prompt=none, and the user has not agreed yet."""

    code = "consent_required"
    public = "Consent is required."


class AccessDenied(BrokerError):
    """The user, or a rule, said no."""

    code = "access_denied"
    public = "Access was denied."


class InvalidToken(BrokerError):
    """A bearer token is malformed, expired, revoked, or not for this use (RFC 6750 3.1)."""

    code = "invalid_token"
    public = "The access token is invalid, expired or revoked."


class InsufficientScope(BrokerError):
    """The token is good but lacks the scope (RFC 6750 3.1)."""

    code = "insufficient_scope"
    public = "The access token does not carry the scope that this needs."


class LoginExpired(BrokerError):
    """The login took too long, was finished before, or belongs to another browser."""

    code = "login_expired"
    public = "This sign-in has expired or was already completed. Please go back to the application and start again."


class FederationFailed(BrokerError):
    """The upstream's answer was refused. `reason` is the provider's own reason code."""

    code = "federation_failed"
    public = "The sign-in at the identity provider did not succeed."

    def __init__(self, private: str = "", *, reason: str, public: str | None = None) -> None:
        self.reason = reason
        super().__init__(private, public=public)


class AttributeInvalid(BrokerError):
    """Mapping or schema refused a value (required attribute missing, too long, immutable, unknown)."""

    code = "attribute_invalid"
    public = "The identity provider did not send what this application needs, or sent it in a form that is not allowed."


class UserDisabled(BrokerError):
    """The profile exists but is disabled."""

    code = "user_disabled"
    public = "User is not enabled."


class LinkRefused(BrokerError):
    """Two identities may not be joined (already linked elsewhere, too many, source has its own profile)."""

    code = "link_refused"
    public = "These identities cannot be linked."


class HookRefused(BrokerError):
    """A trigger said no. `public` carries its words in Cognito's shape: `PreSignUp failed with error TEXT.`"""

    code = "hook_refused"
    public = "The sign-in was refused by a rule of this application."


class Conflict(BrokerError):
    """The record exists already, changed meanwhile, or is owned by the configuration file."""

    code = "conflict"
    public = "The record already exists or is managed elsewhere."


class RateLimited(BrokerError):
    """Too many attempts. `retry_after` is in whole seconds."""

    code = "rate_limited"
    public = "Too many attempts. Please wait a moment and try again."

    def __init__(self, private: str = "", *, retry_after: int = 60) -> None:
        self.retry_after = retry_after
        super().__init__(private)


class Unavailable(BrokerError):
    """A store or service that we need is away. Nothing was written; the caller may try again."""

    code = "temporarily_unavailable"
    public = "The service is temporarily unavailable. Please try again in a moment."


class MalformedPolicy(BrokerError):
    """A policy document that cannot be read as one. `public` names the statement, the element, what is wrong and what to do.

    `statement` is its index, counted from 0, or None where the whole document is at fault; `sid` its Sid, if it has one.
    """

    code = "malformed_policy"
    public = "The policy document is malformed."

    def __init__(self, private: str = "", *, public: str | None = None, statement: int | None = None, sid: str = "") -> None:
        self.statement = statement
        self.sid = sid
        super().__init__(private, public=public)


class ConfigError(BrokerError):
    """The configuration cannot be used. `private` is one line: file, table, key, what is wrong and what to do."""

    code = "config_error"
    public = "The configuration cannot be used."
