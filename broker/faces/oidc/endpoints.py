"""The endpoints that clients post to: token, PAR, revoke, introspect."""

from __future__ import annotations

from typing import Any

from flask import Response

from broker.faces.oidc.wire import answer, credentials
from broker.tokens.issue import TokenSet
from broker.web.context import pool, services


def token() -> Response:
    """POST /oauth2/token (RFC 6749 3.2, spec B.4)."""
    return answer(as_members(services().exchange(pool(), credentials())))


def as_members(issued: TokenSet) -> dict[str, Any]:
    """The members of a successful answer (RFC 6749 5.1, OpenID Connect Core 3.1.3.3); what there is none of is left out."""
    body: dict[str, Any] = {
        "id_token": issued.id_token,
        "access_token": issued.access_token,
        "refresh_token": issued.refresh_token,
        "expires_in": issued.expires_in,
        "token_type": issued.token_type,
        "scope": " ".join(issued.scopes),
    }
    return {name: value for name, value in body.items() if value is not None}


def par() -> Response:
    """POST /oauth2/par (RFC 9126 2)."""
    request_uri, seconds = services().push(pool(), credentials())
    return answer({"request_uri": request_uri, "expires_in": seconds}, 201)


def revoke() -> Response:
    """POST /oauth2/revoke (RFC 7009 2): 200 and an empty body, for an unknown token too."""
    services().revoke(pool(), credentials())
    return Response(status=200, headers={"Cache-Control": "no-store"})


def introspect() -> Response:
    """POST /oauth2/introspect (RFC 7662 2)."""
    return answer(services().introspect(pool(), credentials()))


def preflight() -> Response:
    """A browser asks whether an app of another origin may call: yes, without credentials (spec B.4)."""
    return Response(
        status=204,
        headers={
            "Access-Control-Allow-Methods": "GET, POST",
            "Access-Control-Allow-Headers": "Authorization, Content-Type, X-Amz-Target, X-Amz-User-Agent",
            "Access-Control-Max-Age": "3600",
        },
    )
