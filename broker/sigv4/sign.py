"""Signing as a client: for calls to other services, the demo and the tests."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from urllib.parse import quote

from broker.sigv4 import canonical
from broker.sigv4.keys import derive
from broker.sigv4.payload import EMPTY_SHA256, UNSIGNED_PAYLOAD
from broker.sigv4.request import ALGORITHM, Scope, SignedRequest, index

# Proxies change or add these, so a signature over them would not arrive whole.
_UNSIGNABLE = frozenset({"authorization", "connection", "expect", "te", "trailer", "transfer-encoding", "upgrade", "user-agent"})


@dataclass(frozen=True, slots=True)
class ClientKeys:
    """Credentials to sign with."""

    access_key_id: str
    secret: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)


def sign(request: SignedRequest, keys: ClientKeys, *, now: datetime, region: str, service: str) -> tuple[tuple[str, str], ...]:
    """The request's headers, with X-Amz-Date, X-Amz-Security-Token, X-Amz-Content-Sha256 (S3) and Authorization added.

    `request.headers` must name the Host. Raises IncompleteSignature for a request that could be read in two ways.
    """
    stamp = now.strftime("%Y%m%dT%H%M%SZ")
    scope = Scope(stamp[:8], region, service)
    headers = [*request.headers, ("X-Amz-Date", stamp)]
    if keys.session_token is not None:
        headers.append(("X-Amz-Security-Token", keys.session_token))
    given = dict(index(headers)).get("x-amz-content-sha256", [None])[0]
    payload = given or _payload(request.body, s3=service in canonical.S3_SERVICES)
    if given is None and service in canonical.S3_SERVICES:
        headers.append(("X-Amz-Content-Sha256", payload))
    signed = _signable(headers)
    signature = _signature(replace(request, headers=headers), keys, stamp, scope, payload)
    credential = f"{keys.access_key_id}/{scope}"
    value = f"{ALGORITHM} Credential={credential}, SignedHeaders={';'.join(signed)}, Signature={signature}"
    return (*headers, ("Authorization", value))


def presign(request: SignedRequest, keys: ClientKeys, *, now: datetime, region: str, service: str, expires: int = 3600) -> str:
    """The query of a URL that anybody may call for `expires` seconds, with the headers of `request` (the Host at least).

    Raises IncompleteSignature as `sign` does.
    """
    stamp = now.strftime("%Y%m%dT%H%M%SZ")
    scope = Scope(stamp[:8], region, service)
    added = {
        "X-Amz-Algorithm": ALGORITHM,
        "X-Amz-Credential": f"{keys.access_key_id}/{scope}",
        "X-Amz-Date": stamp,
        "X-Amz-Expires": str(expires),
        "X-Amz-SignedHeaders": ";".join(_signable(request.headers)),
    }
    if keys.session_token is not None:
        added["X-Amz-Security-Token"] = keys.session_token
    parts = [request.query_raw] if request.query_raw else []
    query = "&".join([*parts, *(f"{name}={quote(value, safe='-._~')}" for name, value in added.items())])
    payload = UNSIGNED_PAYLOAD if service in canonical.S3_SERVICES else _payload(request.body, s3=False)
    return f"{query}&X-Amz-Signature={_signature(replace(request, query_raw=query), keys, stamp, scope, payload)}"


def _signature(request: SignedRequest, keys: ClientKeys, stamp: str, scope: Scope, payload: str) -> str:
    names = _signable(request.headers)
    text = canonical.canonical_request(
        request.method,
        canonical.canonical_path(request.path_raw, s3=scope.service in canonical.S3_SERVICES, strict=True),
        canonical.canonical_query(canonical.query_pairs(request.query_raw, strict=True)),
        canonical.canonical_headers(index(request.headers), names),
        ";".join(names),
        payload,
    )
    return hmac.digest(derive(keys.secret, scope), canonical.string_to_sign(stamp, scope, text), "sha256").hex()


def _payload(body: bytes | None, *, s3: bool) -> str:
    if body is None:
        return UNSIGNED_PAYLOAD if s3 else EMPTY_SHA256
    return hashlib.sha256(body).hexdigest()


def _signable(headers: Sequence[tuple[str, str]]) -> list[str]:
    return sorted({name.lower() for name, _ in headers} - _UNSIGNABLE)
