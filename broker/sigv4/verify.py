"""Is this request signed by somebody whose secret we know, for us, now, and unchanged? Everything that `Verified` holds was covered."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from broker.api_errors import ExpiredIdentityToken, IncompleteSignature, SignatureExpired, SignatureMismatch
from broker.sigv4 import canonical, parse
from broker.sigv4.explain import redacted
from broker.sigv4.keys import SigningKeys
from broker.sigv4.parse import Authorization
from broker.sigv4.payload import STREAMING_UNSIGNED_TRAILER, Payload, PayloadKind, payload_of
from broker.sigv4.policy import Requirements
from broker.sigv4.request import HeaderIndex, Scope, SignedRequest, index, only
from broker.sigv4.streaming import Seed

_KEYS = SigningKeys()
_DEFAULT = Requirements()
_MAX_DECODED = 5 * 1024**4


@dataclass(frozen=True, slots=True)
class SigningSecret:
    """What belongs to an access key. `expires_at`: the end of a session's credentials."""

    secret: str = field(repr=False)
    expires_at: datetime | None = None


SecretOf = Callable[[str, str | None], SigningSecret | None]
"""From access key id and session token (nothing of which is verified) to the secret; None for an unknown key, a token that is missing, not
ours, of another key, or given for a key that has none. It should take the same time for all of them."""


@dataclass(frozen=True, slots=True)
class Verified:
    """A request that was signed with the secret of `access_key_id`. Only `verify` makes one.

    `path` is the signed path in canonical form. `payload`: "verified", the body has the signed hash; "unverified", the body was not seen,
    and who sees it must compare it with `payload_sha256`; "streaming", read it through ChunkedBody with `seed`; "unsigned", anybody may
    have changed it. `expires_at` is the end of a presigned URL. `burn` is a key and how long it must be remembered, for calls that must
    not happen twice.
    """

    access_key_id: str
    scope: Scope
    signed_headers: tuple[str, ...]
    path: str
    payload: PayloadKind
    payload_sha256: str
    date: datetime
    burn: tuple[str, datetime] = field(repr=False)
    expires_at: datetime | None = None
    seed: Seed | None = None


def verify(
    request: SignedRequest,
    *,
    now: datetime,
    region: str,
    services: Collection[str],
    secret_of: SecretOf,
    policy: Requirements = _DEFAULT,
) -> Verified:
    """`services` are the names a signature may be for; `now` is in UTC with a time zone.

    Raises MissingAuthentication, IncompleteSignature (malformed or ambiguous), SignatureMismatch (wrong scope, signature, body hash, or an
    unknown key), SignatureExpired, ExpiredIdentityToken (right signature, but the session has ended), and whatever `secret_of` raises.
    """
    headers = index(request.headers)
    pairs = canonical.query_pairs(request.query_raw, strict=policy.strict_spelling)
    auth = parse.find(headers, pairs)
    _check_scope(auth, region, services)
    _check_signed(auth, headers, policy)
    until = _check_time(auth, now, policy)
    s3 = auth.scope.service in canonical.S3_SERVICES
    payload = payload_of(request, auth, policy, s3=s3)
    path = canonical.canonical_path(request.path_raw, s3=s3, strict=policy.strict_spelling)
    text = canonical.canonical_request(
        request.method,
        path,
        canonical.canonical_query(pairs, without=parse.SIGNATURE_PARAMETER) if pairs else "",
        canonical.canonical_headers(headers, auth.signed_headers),
        ";".join(auth.signed_headers),
        payload.line,
    )
    key = _checked_key(auth, text, secret_of(auth.access_key_id, auth.session_token), now)
    return Verified(
        auth.access_key_id,
        auth.scope,
        auth.signed_headers,
        path,
        payload.kind,
        payload.line,
        auth.date,
        burn=(auth.signature, until),
        expires_at=until if auth.expires is not None else None,
        seed=_seed(auth, headers, payload, key) if payload.kind == "streaming" else None,
    )


def _check_scope(auth: Authorization, region: str, services: Collection[str]) -> None:
    if auth.scope.region != region:
        raise _mismatch(f"Credential should be scoped to a valid region, not '{auth.scope.region}'.")
    if auth.scope.service not in services:
        raise _mismatch(f"Credential should be scoped to correct service: '{', '.join(sorted(services))}'.")


def _check_signed(auth: Authorization, headers: HeaderIndex, policy: Requirements) -> None:
    """Only signed headers are protected (IP-S4.2): what we act on must be among them."""
    if "host" not in auth.signed_headers:
        raise _mismatch("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
    unsigned = [name for name in policy.must_sign if name in headers and name not in auth.signed_headers]
    if auth.date_header is not None and auth.date_header not in auth.signed_headers:
        unsigned.append(auth.date_header)
    if unsigned:
        raise _mismatch(f"'{min(unsigned)}' must be a 'SignedHeader' in the AWS Authorization.")


def _mismatch(words: str) -> SignatureMismatch:
    return SignatureMismatch(words, public=words)


def _check_time(auth: Authorization, now: datetime, policy: Requirements) -> datetime:
    """Until when the signature verifies. A presigned URL counts from its date; a header is good for `max_skew` on either side."""
    skew = timedelta(seconds=policy.max_skew)
    if auth.date - skew > now:
        raise SignatureExpired(
            "the signature is from the future",
            public=f"Signature not yet current: {auth.stamp} is still later than {_stamp(now + skew)} ({_stamp(now)} + {_span(skew)}.)",
        )
    if auth.expires is None:
        until = auth.date + skew
    else:
        if not policy.allow_presigned:
            raise IncompleteSignature(
                "presigned requests are not allowed here", public="Query-string authentication is not supported here."
            )
        if not 0 < auth.expires <= policy.max_expires:
            words = f"X-Amz-Expires must be between 1 and {policy.max_expires} seconds"
            raise IncompleteSignature(words, public=words)
        until = auth.date + timedelta(seconds=auth.expires)
    if until < now:
        earliest = f"{_stamp(now - skew)} ({_stamp(now)} - {_span(skew)}.)" if auth.expires is None else _stamp(now)
        last = auth.stamp if auth.expires is None else _stamp(until)
        words = f"Signature expired: {last} is now earlier than {earliest}"
        raise SignatureExpired(words, public=words)
    return until


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y%m%dT%H%M%SZ")


def _span(skew: timedelta) -> str:
    return f"{skew // timedelta(minutes=1)} min"


def _checked_key(auth: Authorization, text: str, found: SigningSecret | None, now: datetime) -> bytes:
    to_sign = canonical.string_to_sign(auth.stamp, auth.scope, text)
    secret = None if found is None else found.secret
    key = _KEYS.matching(auth.access_key_id, auth.scope, secret, to_sign, bytes.fromhex(auth.signature))
    if key is None:
        # The same work for both; which of them it was is for the log alone.
        why = "no such access key, or not with this session token" if found is None else "the signature is wrong"
        raise SignatureMismatch(f"{why}: {auth.access_key_id} {auth.scope}; ours: {redacted(text)}")
    if found is not None and found.expires_at is not None and found.expires_at <= now:
        raise ExpiredIdentityToken(
            f"the session of {auth.access_key_id} has ended", public="The security token included in the request is expired"
        )
    return key


def _seed(auth: Authorization, headers: HeaderIndex, payload: Payload, key: bytes) -> Seed:
    """Length and trailer names come from headers, so they must be signed."""
    length = _signed_value(auth, headers, "x-amz-decoded-content-length")
    if length is None or not (length.isascii() and length.isdigit() and len(length) <= 13 and int(length) <= _MAX_DECODED):
        raise IncompleteSignature("x-amz-decoded-content-length is missing, unsigned or no size")
    names = _signed_value(auth, headers, "x-amz-trailer")
    trailers = tuple(part.strip(" ").lower() for part in names.split(",")) if names else ()
    if bool(trailers) != payload.line.endswith("-TRAILER"):
        raise IncompleteSignature("x-amz-trailer does not go with x-amz-content-sha256")
    signed = payload.line != STREAMING_UNSIGNED_TRAILER
    return Seed(auth.signature, key, auth.stamp, auth.scope, int(length), signed, trailers)


def _signed_value(auth: Authorization, headers: HeaderIndex, name: str) -> str | None:
    if name in headers and name not in auth.signed_headers:
        raise _mismatch(f"'{name}' must be a 'SignedHeader' in the AWS Authorization.")
    return only(headers, name)
