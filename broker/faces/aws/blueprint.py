"""The one address of the AWS services: `/` at the public host. All of Flask that this face has is here."""

from __future__ import annotations

from urllib.parse import quote

import structlog
from flask import Blueprint, Response, request

from broker.api_errors import ApiError
from broker.errors import BrokerError, NotFound
from broker.faces.aws.dispatch import Dispatcher
from broker.faces.aws.request import MAX_BODY, Reply, WireRequest
from broker.web import errors as pages
from broker.web.context import audit_refusal, client_address, is_https, pool_or_none, request_id, services
from broker.web.methods import no_head
from broker.web.params import body

log = structlog.get_logger(__name__)

blueprint = Blueprint("aws", __name__)
dispatcher = Dispatcher()

EXPOSED = "x-amzn-requestid, x-amzn-errortype, x-amzn-errormessage, date"
ALLOWED = (
    "authorization, content-type, x-amz-date, x-amz-security-token, x-amz-target, x-amz-user-agent, x-amz-content-sha256, "
    "amz-sdk-request, amz-sdk-invocation-id"
)


class Fault(ApiError):
    """Something of ours broke. What it was is in the log under the request id."""

    code = "internal_error"
    public = "An internal error occurred."


def call() -> Response:
    """A call of any operation."""
    if pool_or_none() is not None:
        # Keys and identity pools belong to the whole broker; a customer's own host is not the place for them (attack IP-S4.11).
        raise NotFound("the AWS services answer at the public host alone")
    if request.method == "GET" and "Action" not in request.args:
        raise NotFound("no page here")
    asked = _wire(body(MAX_BODY))
    try:
        return _response(dispatcher.answer(services().access.kit, asked), asked)
    except BrokerError:
        raise
    except Exception as error:
        log.exception("unexpected error", exc_info=error)
        return _response(dispatcher.refuse(Fault(), asked), asked)


def preflight() -> Response:
    """What a browser asks before a page's script may call: any page may, and no cookie goes with it (spec E.1)."""
    if pool_or_none() is not None:
        raise NotFound("the AWS services answer at the public host alone")
    headers = {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Allow-Methods": "POST",
        "Access-Control-Allow-Headers": ALLOWED,
        "Access-Control-Max-Age": "7200",
    }
    return Response(status=204, headers=headers)


@blueprint.errorhandler(BrokerError)
def refused(error: BrokerError) -> Response:
    """A refusal in the protocol of the call; a person who came to this address with a browser gets a page."""
    if request.method != "POST" and "Action" not in request.args:
        return pages.refused(error)
    audit_refusal(error)
    asked = _wire(_seen())
    reply = dispatcher.refuse(error, asked)
    # A fault of ours is not an honest no: it is told whatever level the operator listens at.
    tell = log.error if reply.status >= 500 else log.info
    tell("refused", code=error.code, reason=error.private, status=reply.status)
    return _response(reply, asked)


def _seen() -> bytes:
    """The body as far as it was read; an answer to one that is too large does not need it."""
    try:
        return body(MAX_BODY)
    except BrokerError:
        return b""


def _wire(octets: bytes) -> WireRequest:
    # Signatures cover the target as it was sent; the router's path is decoded.
    target = str(request.environ.get("RAW_URI") or request.environ.get("REQUEST_URI") or "")
    path, _, query = target.partition("?")
    return WireRequest(
        request.method,
        path or quote(request.path),
        query or str(request.environ.get("QUERY_STRING", "")),
        tuple(request.headers.items()),
        octets,
        request_id(),
        client_address(),
        is_https(),
    )


def _response(reply: Reply, asked: WireRequest) -> Response:
    response = Response(reply.body, reply.status, content_type=reply.content_type, headers=dict(reply.headers))
    if dispatcher.open_to_scripts(asked):
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers["Access-Control-Expose-Headers"] = EXPOSED
    return response


blueprint.add_url_rule("/", "call", no_head(call), methods=["GET", "POST"], provide_automatic_options=False)
blueprint.add_url_rule("/", "preflight", preflight, methods=["OPTIONS"])
