"""Errors as OAuth 2.0 spells them: one table from class to `error` and HTTP status (RFC 6749 5.2, RFC 6750 3.1, spec B.2, B.4, B.7)."""

from __future__ import annotations

import re

from broker import errors

OAUTH: dict[type[errors.BrokerError], tuple[str, int]] = {
    errors.InvalidRequest: ("invalid_request", 400),
    errors.PayloadTooLarge: ("invalid_request", 413),
    errors.NotFound: ("invalid_request", 404),
    errors.UnknownHost: ("invalid_request", 421),
    errors.UntrustedRedirect: ("invalid_request", 400),
    errors.UnauthorizedClient: ("unauthorized_client", 400),
    errors.InvalidClient: ("invalid_client", 401),
    errors.InvalidGrant: ("invalid_grant", 400),
    errors.UnsupportedGrantType: ("unsupported_grant_type", 400),
    errors.UnsupportedResponseType: ("unsupported_response_type", 400),
    errors.UnsupportedTokenType: ("unsupported_token_type", 400),
    errors.InvalidScope: ("invalid_scope", 400),
    errors.InvalidTarget: ("invalid_target", 400),
    errors.LoginRequired: ("login_required", 400),
    errors.ConsentRequired: ("consent_required", 400),
    errors.AccessDenied: ("access_denied", 403),
    errors.InvalidToken: ("invalid_token", 401),
    errors.InsufficientScope: ("insufficient_scope", 403),
    errors.LoginExpired: ("invalid_request", 400),
    errors.FederationFailed: ("invalid_request", 400),
    errors.AttributeInvalid: ("invalid_request", 400),
    errors.UserDisabled: ("access_denied", 403),
    errors.LinkRefused: ("invalid_request", 409),
    errors.HookRefused: ("invalid_request", 400),
    errors.Conflict: ("server_error", 409),
    errors.RateLimited: ("temporarily_unavailable", 429),
    errors.Unavailable: ("temporarily_unavailable", 503),
    errors.MalformedPolicy: ("invalid_request", 400),
    errors.ConfigError: ("server_error", 500),
}

# The upstream's own refusals may go through by name; anything else it invents becomes access_denied.
UPSTREAM_ERRORS = frozenset({"access_denied", "login_required", "interaction_required", "consent_required", "account_selection_required"})
NOT_IN_DESCRIPTION = re.compile(r"[^\x20-\x21\x23-\x5b\x5d-\x7e]")  # RFC 6749 5.2


def oauth_error(error: errors.BrokerError) -> tuple[str, int]:
    """`error` and status of an error's class, or of the nearest class above it."""
    name, status = next((OAUTH[kind] for kind in type(error).__mro__ if kind in OAUTH), ("server_error", 500))
    if isinstance(error, errors.AccessDenied) and error.code in UPSTREAM_ERRORS:
        return error.code, status
    if isinstance(error, errors.InvalidRequest) and error.code in {
        "request_not_supported",
        "request_uri_not_supported",
        "invalid_request_uri",
    }:
        return error.code, status
    return name, status


def description(error: errors.BrokerError) -> str:
    """The public words, without the characters that RFC 6749 5.2 does not allow."""
    return NOT_IN_DESCRIPTION.sub("?", error.public)[:300]


def redirect_error(error: errors.BrokerError) -> tuple[str, str]:
    """What goes back to the application's redirect_uri: `error` and `error_description`."""
    return oauth_error(error)[0], description(error)
