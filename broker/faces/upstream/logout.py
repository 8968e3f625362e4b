"""Logout as upstreams speak it: SAML single logout both ways, and OpenID Connect back-channel logout."""

from __future__ import annotations

from flask import Response, request

from broker.errors import BrokerError, InvalidRequest, LoginExpired
from broker.faces.upstream.inbound import MAX_HANDLE, from_form, from_query
from broker.flows.upstream_logout import LogoutCome
from broker.web import params, send
from broker.web.context import audit_refusal, client_address, pool, services
from broker.web.oauth_errors import description, oauth_error


def saml_logout() -> Response:
    """A LogoutResponse to a request of ours, or the provider's own LogoutRequest. Never both in one message (SAML-H9)."""
    read = params.form(params.MAX_ACS_BODY) if request.method == "POST" else params.query()
    inbound = from_form(read) if request.method == "POST" else from_query(read)
    answer = read.single("SAMLResponse", params.MAX_ACS_BODY, lines=True)
    demand = read.single("SAMLRequest", params.MAX_ACS_BODY, lines=True)
    if (answer is None) == (demand is None):
        raise InvalidRequest("not exactly one of SAMLRequest and SAMLResponse")
    if demand is not None:
        reply = services().receive_logout(LogoutCome(pool(), inbound, None, client_address()))
        return send.send(reply) if reply is not None else send.to_page(request.script_root + "/signedout")
    handle = read.single("RelayState", MAX_HANDLE)
    if handle is None:
        raise LoginExpired("Invalid relayState: missing", code="logout_unknown")
    back = services().finish_upstream_logout(pool(), handle, inbound)
    return send.leave(back) if back else send.to_page(request.script_root + "/signedout")


def backchannel(provider: str) -> Response:
    """POST of a logout token (OpenID Connect Back-Channel Logout 1.0, 2.5 to 2.8): 200, or 400 with an error object."""
    try:
        services().receive_logout(LogoutCome(pool(), from_form(params.form()), provider, client_address()))
    except BrokerError as refused:
        audit_refusal(refused)
        name, status = oauth_error(refused)
        return Response(
            f'{{"error": "{name}", "error_description": "{description(refused)}"}}',
            status=429 if status == 429 else 503 if status == 503 else 400,
            content_type="application/json",
            headers={"Cache-Control": "no-store"},
        )
    return Response(status=200, headers={"Cache-Control": "no-store"})
