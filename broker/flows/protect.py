"""Is this request to a service behind us authentic, and may it be made? (`/authorize`, and the same in process.)"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from broker.api_errors import ApiError
from broker.flows.access_kit import AccessKit
from broker.flows.sts.authorize_call import authorize_call, principal_tags
from broker.flows.sts.callers import caller_of
from broker.identitypool.policy.evaluate import Decision
from broker.identitypool.policy.words import refusal
from broker.identitypool.protected import ProtectedService
from broker.model.sts import Caller, ContextValue
from broker.sigv4 import ChunkedBody, Requirements, SignedRequest, SigningSecret, Verified, verify
from broker.sigv4.policy import MUST_SIGN

NOT_MAPPED = "This request is not mapped to an action."
_AMZ = "x-amz-"
# Of these no service takes orders, and some SDKs leave the one unsigned; the other is CloudFront's.
_UNSIGNED_AMZ = frozenset({"x-amz-user-agent", "x-amz-cf-id"})


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as the service gets it. `host` is the name it was sent to, without port where the service's `hosts` have none."""

    host: str
    request: SignedRequest
    address: str = ""
    secure: bool = True


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer. `status` is 200, 401 (not authentic) or 403 (not allowed); `words` may be shown to the client, `reason` may not.

    `payload` is `verified`; `unsigned`; or where the body was not seen, `unverified`, and `streaming` for one that is signed chunk by chunk
    (`verified.seed` verifies it). `body` is the body that was seen, without the framing of chunks.
    """

    status: int
    code: str
    words: str
    reason: str
    service: str = ""
    principal: str = ""
    role: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    action: str = ""
    resource: str = ""
    payload: str = ""
    body: bytes | None = field(default=None, repr=False)
    verified: Verified | None = field(default=None, repr=False)
    decision: Decision | None = field(default=None, repr=False)

    @property
    def allowed(self) -> bool:
        return self.status == 200


def authorize_request(kit: AccessKit, services: Sequence[ProtectedService], asked: Asked) -> Verdict:
    """Judge one request. A no is a verdict, never an error; each is audited. Raises Unavailable if the settings cannot be read."""
    verdict = _judge(kit, services, asked)
    if not verdict.allowed:
        detail = {"service": verdict.service, "action": verdict.action, "resource": verdict.resource, "private": verdict.reason[:500]}
        kit.base.audit("request.authorized", "refused", verdict.code, detail, user_sub=verdict.principal, address=asked.address)
    return verdict


def _judge(kit: AccessKit, services: Sequence[ProtectedService], asked: Asked) -> Verdict:
    service = service_of(services, asked.host)
    if service is None:
        return Verdict(403, "not_mapped", NOT_MAPPED, f"no protected service has the host {asked.host[:200]!r}")
    try:
        caller, verified = _verified(kit, service, asked.request)
        payload, body = _opened(verified, asked.request.body)
    except ApiError as error:
        return Verdict(401, error.code, error.public, error.private, service.name)
    told = _telling(kit, service, caller, verified)
    found = service.asked(asked.request.method, asked.request.path_raw)
    if found is None:
        why = f"{asked.request.method} {asked.request.path_raw[:200]!r}: no rule"
        return told(403, "not_mapped", NOT_MAPPED, why, payload=payload, body=body)
    action, resource = found
    try:
        decision = authorize_call(kit, caller, action, resource, _keys(asked))
    except ApiError as error:
        return told(401, error.code, error.public, error.private, payload=payload, body=body)
    status, code, words = (200, "allowed", "") if decision.allowed else (403, decision.kind, refusal(decision))
    return told(status, code, words, decision.reason, action=action, resource=resource, payload=payload, body=body, decision=decision)


def service_of(services: Sequence[ProtectedService], host: str) -> ProtectedService | None:
    """The service of a host, with its port or without."""
    name = host.lower()
    bare = name.rpartition(":")[0] if name.rpartition(":")[2].isdigit() else name
    return next((service for service in services if name in service.hosts or bare in service.hosts), None)


def _verified(kit: AccessKit, service: ProtectedService, request: SignedRequest) -> tuple[Caller, Verified]:
    callers: list[Caller] = []

    def secret_of(access_key_id: str, session_token: str | None) -> SigningSecret | None:
        known = caller_of(kit, access_key_id, session_token)
        if known is None:
            return None
        callers.append(known[0])
        session = known[0].session
        return SigningSecret(known[1], session.expires_at if session else None)

    policy = Requirements(
        must_sign=MUST_SIGN | _orders(request),
        allow_unsigned_payload=service.allow_unsigned_payload,
        allow_streaming=service.allow_streaming,
        allow_presigned=service.allow_presigned,
    )
    verified = verify(
        request, now=kit.base.now(), region=kit.account.region, services={service.signed_for}, secret_of=secret_of, policy=policy
    )
    return callers[0], verified


def _orders(request: SignedRequest) -> frozenset[str]:
    """Headers that a service may act on, which only the signer may give: S3, too, refuses them unsigned (attack IP-S4.2)."""
    return frozenset(name.lower() for name, _ in request.headers if name.lower().startswith(_AMZ)) - _UNSIGNED_AMZ


def _opened(verified: Verified, body: bytes | None) -> tuple[str, bytes | None]:
    """What is known of the body, and the body itself: one in chunks is read to its end. Raises SignatureMismatch, IncompleteSignature."""
    if body is None or verified.seed is None:
        return verified.payload, body
    whole = ChunkedBody(io.BytesIO(body), verified.seed).read()
    return "verified" if verified.seed.signed else "unsigned", whole


def _telling(kit: AccessKit, service: ProtectedService, caller: Caller, verified: Verified) -> partial[Verdict]:
    """A verdict about somebody whom we know, still without the answer."""
    session = caller.session
    role = kit.base.settings.role(session.role_arn.rpartition("/")[2]) if session is not None else None
    return partial(
        Verdict,
        service=service.name,
        principal=caller.arn,
        role=session.role_arn if session is not None else "",
        tags=principal_tags(role, session) if session is not None else {},
        verified=verified,
    )


def _keys(asked: Asked) -> dict[str, ContextValue]:
    keys: dict[str, ContextValue] = {"aws:SecureTransport": "true" if asked.secure else "false"}
    if asked.address:
        keys["aws:SourceIp"] = asked.address
    agent = [value for name, value in asked.request.headers if name.lower() == "user-agent"]
    if len(agent) == 1:
        keys["aws:UserAgent"] = agent[0]
    return keys
