"""The assertion consumer service (SAML bindings 3.5) and our metadata."""

from __future__ import annotations

from urllib.parse import parse_qsl

from flask import Response

from broker.errors import InvalidRequest, LoginExpired
from broker.faces.upstream.callback import finish
from broker.faces.upstream.inbound import MAX_HANDLE, from_form
from broker.flows.authorize import RefusedToClient
from broker.flows.finish_login import FinishAsk
from broker.web import cookies, params, send
from broker.web.context import base_url, client_address, pool, services
from broker.web.journey import refused, signed_in


def acs() -> Response:
    """A Response for a login of ours, whose handle is the RelayState; or, where a provider allows it, one that nobody asked for."""
    form = params.form(params.MAX_ACS_BODY)
    if form.single("SAMLResponse", params.MAX_ACS_BODY, lines=True) is None:
        raise InvalidRequest("no SAMLResponse at the ACS", public="The identity provider sent no SAML response.")
    relay = form.single("RelayState", MAX_HANDLE)
    if relay is None:
        raise LoginExpired("Invalid relayState: missing", code="login_unknown")
    if "=" in relay:
        return _unsolicited(form, relay)
    if cookies.login(relay) is None and not send.was_bounced(form):
        return send.bounce(form)
    return finish(relay, from_form(form))


def _unsolicited(form: params.Params, relay: str) -> Response:
    try:
        pairs = parse_qsl(relay, keep_blank_values=True, strict_parsing=True, max_num_fields=20)
    except ValueError:
        raise InvalidRequest("Invalid relayState: not a query string") from None
    named = dict(pairs)
    if len(named) != len(pairs):
        raise InvalidRequest("Invalid relayState: doubled parameter")
    ask = FinishAsk(pool(), from_form(form), "", base_url(), client_address())
    try:
        finished, secret = services().finish_unsolicited(ask, named)
    except RefusedToClient as refusal:
        return refused(refusal)
    return signed_in(finished, None, secret)


def metadata() -> Response:
    """Our signed metadata, for an IT admin to hand to his identity provider."""
    response = Response(services().sp_metadata(pool()), content_type="application/samlmetadata+xml")
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response
