"""IP-S4.1: AWS's own test suite verifies, and no part of it can be changed by one character."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from broker.api_errors import ApiError, IncompleteSignature
from broker.sigv4 import ClientKeys, Requirements, SignedRequest, Verified, canonical, sign
from broker.sigv4.request import index
from tests.fakes.sigv4 import KEY_ID, SECRET, TOKEN, check, header, moment, secret_of, with_header

LINES = (Path(__file__).parent / "aws_suite.txt").read_text(encoding="utf-8").splitlines()
VECTORS = [json.loads(line) for line in LINES if not line.startswith("#")]
LOOSE = Requirements(must_sign=frozenset({"x-amz-date"}), strict_spelling=False)
"""The suite signs no security token in one of its cases, and spells paths and queries in every way there is."""

Vector = dict[str, str]
Change = Callable[[SignedRequest], SignedRequest | None]


def unfolded(headers: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """A folded header means what as many headers mean; folded it does not reach us (IP-S4.6)."""
    for name, value in headers:
        for line in value.split("\n"):
            yield name, line


def request_of(vector: Vector) -> SignedRequest:
    credential = f"Credential={KEY_ID}/20150830/us-east-1/service/aws4_request"
    value = f"AWS4-HMAC-SHA256 {credential}, SignedHeaders={vector['signed']}, Signature={vector['signature']}"
    headers = [*unfolded(vector["headers"]), ("Authorization", value)]  # type: ignore[arg-type]
    return SignedRequest(vector["method"], vector["path"], vector["query"], headers, vector["body"].encode())


def accepts(request: SignedRequest) -> Verified:
    """The suite's session token is longer than ours and belongs to the same key."""
    verified = check(request, LOOSE, services=("service",), secret_of=lambda key, _: secret_of(key, None))
    assert verified.payload == "verified"
    return verified


def test_the_suite_is_whole() -> None:
    assert len({vector["name"] for vector in VECTORS}) == 31


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_s4_1_a_published_vector_verifies(vector: Vector) -> None:
    assert accepts(request_of(vector)).signed_headers == tuple(vector["signed"].split(";"))


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_s4_1_its_canonical_request_is_the_published_one(vector: Vector) -> None:
    request = request_of(vector)
    text = canonical.canonical_request(
        request.method,
        canonical.canonical_path(request.path_raw, s3=False, strict=False),
        canonical.canonical_query(canonical.query_pairs(request.query_raw, strict=False)),
        canonical.canonical_headers(index(request.headers), vector["signed"].split(";")),
        vector["signed"],
        hashlib.sha256(request.body or b"").hexdigest(),
    )
    assert hashlib.sha256(text.encode()).hexdigest() == vector["canonical"]


def other(letter: str) -> str:
    """Another letter of the same kind."""
    return {"z": "a", "Z": "A", "9": "0", "f": "a"}.get(letter, chr(ord(letter) + 1)) if letter.isalnum() else "x"


def last_changed(text: str) -> str:
    return text[:-1] + other(text[-1])


def auth_changed(part: str) -> Change:
    def change(request: SignedRequest) -> SignedRequest:
        value = header(request, "Authorization")
        begin = value.index(part) + len(part)
        changed = value[:begin] + other(value[begin]) + value[begin + 1 :]
        return with_header(request, "Authorization", lambda _: changed)

    return change


def path_changed(request: SignedRequest) -> SignedRequest:
    """A letter of a segment that counts, or one more; `/example/..` says nothing of the letters in `example`."""
    return replace(request, path_raw=request.path_raw + "x")


CHANGES: dict[str, Change] = {
    "method": lambda request: replace(request, method=last_changed(request.method)),
    "path": path_changed,
    "query": lambda request: replace(request, query_raw=last_changed(request.query_raw)) if request.query_raw else None,
    "query added": lambda request: replace(request, query_raw=request.query_raw + "&a" if request.query_raw else "a"),
    "host": lambda request: with_header(request, "Host", last_changed),
    "date": lambda request: with_header(request, "X-Amz-Date", lambda value: value[:-2] + "1Z"),
    "signed header": lambda request: with_header(request, "My-Header1", last_changed) if header(request, "My-Header1") else None,
    "body": lambda request: replace(request, body=(request.body or b"") + b"x"),
    "body's byte": lambda request: replace(request, body=b"Qaram1=value1") if request.body else None,
    "signature": auth_changed("Signature="),
    "access key": auth_changed("Credential=AKIDEXAMPL"),
    "scope's day": auth_changed("/2015083"),
    "scope's region": auth_changed("/us-east-"),
    "scope's service": auth_changed("/servic"),
    "scope's terminator": auth_changed("/aws4_reques"),
    "signed headers": auth_changed("SignedHeaders="),
}


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_s4_1_one_changed_character_is_refused(vector: Vector) -> None:
    honest = request_of(vector)
    passed = []
    for what, change in CHANGES.items():
        changed = change(honest)
        if changed is not None:
            assert changed != honest
            try:
                accepts(changed)
            except ApiError:
                continue
            passed.append(what)
    assert not passed
    accepts(honest)


def test_s4_1_every_digit_of_a_signature_counts() -> None:
    vector = next(vector for vector in VECTORS if vector["name"] == "get-vanilla")
    digits = vector["signature"]
    for at in range(64):
        with pytest.raises(ApiError):
            accepts(request_of(vector | {"signature": digits[:at] + other(digits[at]) + digits[at + 1 :]}))
    accepts(request_of(vector))


def test_s4_6_a_folded_header_is_refused_as_it_stands() -> None:
    vector = next(vector for vector in VECTORS if vector["name"] == "get-header-value-multiline")
    folded = replace(request_of(vector), headers=[*map(tuple, vector["headers"]), request_of(vector).headers[-1]])
    with pytest.raises(IncompleteSignature, match="folded"):
        accepts(folded)


@pytest.mark.parametrize("name", ["get-vanilla", "post-x-www-form-urlencoded", "post-sts-header-before", "get-unreserved"])
def test_our_signer_makes_the_published_signatures(name: str) -> None:
    vector = next(vector for vector in VECTORS if vector["name"] == name)
    token = next((value for key, value in vector["headers"] if key == "X-Amz-Security-Token"), None)
    plain = [(key, value) for key, value in vector["headers"] if not key.startswith("X-Amz-")]  # type: ignore[str-unpack]
    request = SignedRequest(vector["method"], vector["path"], vector["query"], plain, vector["body"].encode())
    keys = ClientKeys(KEY_ID, SECRET, token)
    headers = sign(request, keys, now=moment("20150830T123600Z"), region="us-east-1", service="service")
    assert headers[-1][1].endswith(f"SignedHeaders={vector['signed']}, Signature={vector['signature']}")
    assert TOKEN not in repr(keys)
    assert SECRET not in repr(keys)
