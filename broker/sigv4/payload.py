"""What the signature says about the body: its hash, that it is not covered, or that each chunk is signed."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Final, Literal

from broker.api_errors import IncompleteSignature, SignatureMismatch
from broker.sigv4.parse import Authorization
from broker.sigv4.policy import Requirements
from broker.sigv4.request import SignedRequest

UNSIGNED_PAYLOAD: Final = "UNSIGNED-PAYLOAD"
STREAMING_SIGNED: Final = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
STREAMING_SIGNED_TRAILER: Final = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
STREAMING_UNSIGNED_TRAILER: Final = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
EMPTY_SHA256: Final = hashlib.sha256(b"").hexdigest()
_STREAMING = frozenset({STREAMING_SIGNED, STREAMING_SIGNED_TRAILER, STREAMING_UNSIGNED_TRAILER})
_SHA256 = re.compile(r"[0-9a-f]{64}")

PayloadKind = Literal["verified", "unsigned", "streaming", "unverified"]


@dataclass(frozen=True, slots=True)
class Payload:
    """`line` is the last line of the canonical request: a hash, or a name for why there is none."""

    kind: PayloadKind
    line: str


def payload_of(request: SignedRequest, auth: Authorization, policy: Requirements, *, s3: bool) -> Payload:
    """Raises SignatureMismatch if the body is not what its hash says, IncompleteSignature for a kind that the policy does not allow."""
    declared = auth.content_sha256
    if declared is None and s3:
        if auth.expires is None:
            raise IncompleteSignature(
                "S3 wants x-amz-content-sha256", public="Missing required header for this request: x-amz-content-sha256"
            )
        declared = UNSIGNED_PAYLOAD
    if declared is None:
        if request.body is None:
            # Only the hash of nothing can be tried, and a signature over it says nothing about what the body really is.
            return Payload("unverified", EMPTY_SHA256)
        return Payload("verified", hashlib.sha256(request.body).hexdigest())
    if _SHA256.fullmatch(declared):
        return _hashed(request, declared)
    if declared == UNSIGNED_PAYLOAD and policy.allow_unsigned_payload:
        return Payload("unsigned", declared)
    if declared in _STREAMING and policy.allow_streaming and auth.expires is None:
        if declared == STREAMING_UNSIGNED_TRAILER and not policy.allow_unsigned_payload:
            raise IncompleteSignature("unsigned chunks are not allowed here")
        return Payload("streaming", declared)
    raise IncompleteSignature(
        f"x-amz-content-sha256 {declared[:50]!r} is malformed, or not allowed here",
        public="The value of x-amz-content-sha256 is not valid for this service.",
    )


def _hashed(request: SignedRequest, declared: str) -> Payload:
    if request.body is None:
        return Payload("unverified", declared)
    # Both hashes are known to who sends them; nothing to hide from a clock.
    if hashlib.sha256(request.body).hexdigest() != declared:
        raise SignatureMismatch("the body does not have the hash in x-amz-content-sha256")
    return Payload("verified", declared)
