"""Requests that an honest client of ours has signed at a fixed time, and what must become of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from broker.api_errors import ApiError
from broker.sigv4 import ClientKeys, Requirements, SignedRequest, presign, sign
from tests.fakes.sigv4 import KEY_ID, REGION, SECRET, check, moment

NOW = moment("20250301T120000Z")
DEFAULT = Requirements()
KEYS = ClientKeys(KEY_ID, SECRET)
PLAIN = SignedRequest("POST", "/", "", [("Host", "api.example"), ("X-Amz-Target", "Service.Op")], b"{}")

Change = Callable[[SignedRequest], SignedRequest]


def signed(request: SignedRequest = PLAIN, service: str = "sts", keys: ClientKeys = KEYS, region: str = REGION) -> SignedRequest:
    return replace(request, headers=sign(request, keys, now=NOW, region=region, service=service))


def presigned(query: str = "Action=GetCallerIdentity", service: str = "sts", expires: int = 60, keys: ClientKeys = KEYS) -> SignedRequest:
    plain = SignedRequest("GET", "/", query, [("Host", "api.example")], b"")
    return replace(plain, query_raw=presign(plain, keys, now=NOW, region=REGION, service=service, expires=expires))


def refuses(request: SignedRequest, kind: type[ApiError], words: str = "", policy: Requirements = DEFAULT, **other: object) -> ApiError:
    with pytest.raises(kind) as caught:
        check(request, policy, **({"now": NOW} | other))  # type: ignore[arg-type]
    assert type(caught.value) is kind
    assert words in caught.value.public
    return caught.value


def accepts(request: SignedRequest, policy: Requirements = DEFAULT) -> None:
    assert check(request, policy, NOW).access_key_id == KEY_ID
