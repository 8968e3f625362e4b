"""The one redirect_uri of a pool at OpenID and OAuth upstreams (spec B.7): GET, or POST where an upstream answers by form_post."""

from __future__ import annotations

from flask import Response, request

from broker.errors import LoginExpired
from broker.faces.upstream.inbound import MAX_HANDLE, from_form, from_query
from broker.flows.authorize import RefusedToClient
from broker.flows.finish_login import FinishAsk
from broker.web import cookies, params, send
from broker.web.context import base_url, client_address, pool, services
from broker.web.journey import refused, signed_in
from providers.base import Inbound


def callback() -> Response:
    """Match the state to this browser's login, and let the provider's adapter verify the rest."""
    if request.method == "POST":
        form = params.form()
        handle = form.single("state", MAX_HANDLE)
        if handle and cookies.login(handle) is None and not send.was_bounced(form):
            return send.bounce(form)
        return finish(handle, from_form(form))
    query = params.query()
    return finish(query.single("state", MAX_HANDLE), from_query(query))


def finish(handle: str | None, inbound: Inbound) -> Response:
    """Complete the login that `handle` names. An answer without a handle belongs to no login of ours."""
    if not handle:
        raise LoginExpired("the answer has no state", code="login_unknown")
    secret = cookies.login(handle)
    try:
        finished = services().finish_login(FinishAsk(pool(), inbound, handle, base_url(), client_address(), secret))
    except RefusedToClient as refusal:
        return refused(refusal, handle)
    return signed_in(finished, handle, secret or "")
