"""Who signed a call, and may they make it. An unsigned operation never gets here, whatever signature it carries (spec E.2).

A signature says nothing about how often a call came: within five minutes the same bytes verify again (attack IP-S4.10). See
docs/reference/aws-api.md for which calls repeat harmlessly.
"""

from __future__ import annotations

from broker.api_errors import ExpiredIdentityToken, NotAllowed
from broker.faces.aws.catalog import Asked, Service
from broker.faces.aws.operations.row import Call
from broker.faces.aws.refusals import SessionEnded
from broker.faces.aws.request import WireRequest
from broker.flows.access_kit import AccessKit
from broker.flows.sts.authorize_call import authorize_call
from broker.flows.sts.callers import caller_of
from broker.identitypool.policy.words import refusal
from broker.model.sts import Caller
from broker.sigv4 import SignedRequest, SigningSecret, verify

# IAM has one endpoint for the world, and clients sign for its region whatever theirs is.
GLOBAL_REGION = "us-east-1"
GLOBAL = frozenset({"iam"})


def signer(kit: AccessKit, service: Service, request: WireRequest) -> Caller:
    """Who signed the request. Raises what `sigv4.verify` and `caller_of` raise, and SessionEnded."""
    found: list[Caller] = []

    def secret_of(access_key_id: str, session_token: str | None) -> SigningSecret | None:
        known = caller_of(kit, access_key_id, session_token)
        if known is None:
            return None
        found.append(known[0])
        session = known[0].session
        return SigningSecret(known[1], session.expires_at if session else None)

    signed = SignedRequest(request.method, request.path_raw, request.query_raw, request.headers, request.body)
    try:
        verify(signed, now=kit.base.now(), region=_region(kit, service, request), services={service.name}, secret_of=secret_of)
    except ExpiredIdentityToken as ended:
        raise SessionEnded(ended.private) from None
    return found[0]


def _region(kit: AccessKit, service: Service, request: WireRequest) -> str:
    in_scope = f"/{GLOBAL_REGION}/{service.name}/" in request.header("authorization")
    return GLOBAL_REGION if service.name in GLOBAL and in_scope else kit.account.region


def judge(asked: Asked, call: Call) -> None:
    """Raises NotAllowed unless the caller may do this to that."""
    if asked.row.resource is not None:
        decision = authorize_call(call.kit, call.by, asked.action, asked.row.resource(call), call.around)
        if not decision.allowed:
            raise NotAllowed(f"{call.by.arn} {decision.context.resource}: {decision.reason}", public=refusal(decision))
