"""GET and POST /oauth2/userInfo (OpenID Connect Core 5.3, spec B.5). The token comes in the Authorization header and nowhere else."""

from __future__ import annotations

from flask import Response, request

from broker.errors import BrokerError, InsufficientScope, InvalidRequest, InvalidToken
from broker.faces.oidc.wire import answer
from broker.web.context import audit_refusal, pool, services


def userinfo() -> Response:
    """The user's attributes as strings; errors in the WWW-Authenticate header (RFC 6750 3)."""
    try:
        return answer(services().userinfo(pool(), _token()))
    except InvalidRequest as bad:
        return _challenge(bad, 400, "invalid_request", "Bad OAuth2 request at UserInfo Endpoint")
    except (InvalidToken, InsufficientScope) as bad:
        # Spec B.5 names invalid_token for a wrong scope as well.
        return _challenge(bad, 401, "invalid_token", bad.public)


def _token() -> str:
    headers = request.headers.getlist("Authorization")
    if "access_token" in request.args or request.form.get("access_token"):
        raise InvalidRequest("the token came in query or body (RFC 6750 2.2, 2.3; P3.2)")
    if len(headers) != 1:
        raise InvalidRequest("not exactly one Authorization header")
    scheme, _, token = headers[0].partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise InvalidRequest("no Bearer token")
    return token.strip()


def _challenge(error: BrokerError, status: int, name: str, words: str) -> Response:
    audit_refusal(error)
    response = answer({"error": name, "error_description": words}, status)
    response.headers["WWW-Authenticate"] = f'Bearer error="{name}", error_description="{words}"'
    return response
