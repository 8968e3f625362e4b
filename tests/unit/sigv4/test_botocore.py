"""Whatever botocore signs verifies, in each of its ways to sign, and no part of it can be changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from urllib.parse import quote

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from broker.api_errors import ApiError, IncompleteSignature
from broker.sigv4 import ClientKeys, SignedRequest, presign, sign
from tests.fakes.sigv4 import (
    KEY_ID,
    SECRET,
    TOKEN,
    adding,
    by_botocore,
    check,
    header,
    moment,
    signed_at,
    with_header,
    without,
)

SIGNERS = {"SigV4Auth": "sts", "SigV4QueryAuth": "sts", "S3SigV4Auth": "s3", "S3SigV4QueryAuth": "s3"}

letters = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
# A slash inside a name, as %2F, is a case of its own: S3 refuses it, as it does dot segments.
segments = letters.filter(lambda text: text not in {".", ".."} and "/" not in text)
paths = st.lists(segments, max_size=4).map(lambda parts: "/" + "/".join(quote(part, safe="~") for part in parts))
queries = st.dictionaries(letters, st.text(st.characters(exclude_categories=["Cs"]), max_size=8), max_size=4).map(
    lambda pairs: "&".join(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in pairs.items())
)
values = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=20)
headers = st.dictionaries(st.from_regex(r"x-(?:amz-meta|own)-[a-z0-9]{1,6}", fullmatch=True), values, max_size=3).map(
    lambda pairs: list(pairs.items())
)
tokens = st.sampled_from([None, TOKEN])


@st.composite
def signed(draw: st.DrawFn, signer: str) -> SignedRequest:
    query = draw(queries)
    url = f"https://api.example{draw(paths)}" + (f"?{query}" if query else "")
    method = draw(st.sampled_from(["GET", "POST", "PUT", "DELETE"]))
    # A presigned URL moves a body of JSON into its query; here it has none.
    body = b"" if "Query" in signer else draw(st.binary(max_size=40))
    return by_botocore(signer, method, url, draw(headers), body, SIGNERS[signer], draw(tokens))


every_signer = st.sampled_from(sorted(SIGNERS)).flatmap(signed)


@given(every_signer)
def test_what_botocore_signs_verifies(request: SignedRequest) -> None:
    verified = check(request)
    assert verified.access_key_id == KEY_ID
    presigned = "X-Amz-Signature" in request.query_raw
    assert (verified.expires_at is not None) == presigned
    assert verified.payload == ("unsigned" if presigned and verified.scope.service == "s3" else "verified")


@given(every_signer)
def test_an_unseen_body_is_called_unverified(request: SignedRequest) -> None:
    """Without x-amz-content-sha256 only an empty body can be tried; with it the hash is signed, and told to who sees the body."""
    declared = header(request, "X-Amz-Content-SHA256") or "X-Amz-Signature" in request.query_raw or not request.body
    assume(declared)
    verified = check(replace(request, body=None))
    assert verified.payload in {"unverified", "unsigned"}
    assert verified.payload_sha256 in {header(request, "X-Amz-Content-SHA256"), "UNSIGNED-PAYLOAD", verified.payload_sha256}


def in_authorization(old: str, new: str) -> Callable[[SignedRequest], SignedRequest]:
    """Both places where an authorization may stand."""

    def change(request: SignedRequest) -> SignedRequest:
        if header(request, "Authorization"):
            return with_header(request, "Authorization", lambda value: value.replace(old, new))
        return replace(request, query_raw=request.query_raw.replace(quote(old, safe="="), quote(new, safe="=")))

    return change


def another_time(request: SignedRequest) -> SignedRequest:
    stamp = signed_at(request).strftime("%Y%m%dT%H%M%SZ")
    later = stamp[:-2] + ("1Z" if stamp[-2] != "1" else "2Z")
    if header(request, "X-Amz-Date"):
        return with_header(request, "X-Amz-Date", lambda _: later)
    return replace(request, query_raw=request.query_raw.replace(stamp, later))


CHANGES: dict[str, Callable[[SignedRequest], SignedRequest]] = {
    "another method": lambda request: replace(request, method="PATCH"),
    "a longer path": lambda request: replace(request, path_raw=request.path_raw + "x"),
    "a slash more": lambda request: replace(request, path_raw=request.path_raw + "/"),
    "a parameter more": lambda request: replace(request, query_raw=f"{request.query_raw}&zz=1".lstrip("&")),
    "an escape too many": lambda request: replace(request, query_raw=f"{request.query_raw}&%41=1".lstrip("&")),
    "another host": lambda request: with_header(request, "Host", lambda value: value + "x"),
    "a host more": lambda request: adding(request, ("host", "other.example")),
    "no host": lambda request: without(request, "Host"),
    "another region": in_authorization("us-east-1", "us-east-2"),
    "another service": in_authorization("/s", "/cognito-s"),
    "another key": in_authorization(KEY_ID, KEY_ID + "X"),
    "another time": another_time,
    "another token": lambda request: (
        with_header(request, "X-Amz-Security-Token", lambda value: value + "=")
        if header(request, "X-Amz-Security-Token")
        else adding(request, ("X-Amz-Security-Token", TOKEN))
    ),
}


@given(every_signer, st.sampled_from(sorted(CHANGES)))
def test_no_part_of_it_can_be_changed(request: SignedRequest, change: str) -> None:
    check(request)
    changed = CHANGES[change](request)
    assert changed != request
    with pytest.raises(ApiError):
        check(changed, now=signed_at(request))


@given(every_signer, st.data())
def test_nor_any_signed_header_or_the_body(request: SignedRequest, data: st.DataObject) -> None:
    verified = check(request)
    name = data.draw(st.sampled_from(verified.signed_headers))
    with pytest.raises(ApiError):
        check(with_header(request, name, lambda value: value + "x"), now=signed_at(request))
    with pytest.raises(ApiError):
        check(without(request, name), now=signed_at(request))
    if verified.payload == "verified":
        with pytest.raises(ApiError):
            check(replace(request, body=(request.body or b"") + b"x"))


@given(every_signer, st.data())
def test_nor_any_character_of_the_target(request: SignedRequest, data: st.DataObject) -> None:
    whole = f"{request.path_raw}?{request.query_raw}"
    at = data.draw(st.integers(1, len(whole) - 1))
    letter = data.draw(st.characters(min_codepoint=0x20, max_codepoint=0x7E))
    changed = whole[:at] + letter + whole[at + 1 :]
    path, _, query = changed.partition("?")
    changed_request = replace(request, path_raw=path, query_raw=query)
    # `a=` and `a` are one and the same, and so are `?` alone and nothing.
    assume(sorted(part.removesuffix("=") for part in query.split("&")) != sorted(p.removesuffix("=") for p in request.query_raw.split("&")))
    with pytest.raises(ApiError):
        check(changed_request, now=signed_at(request))


@given(paths, queries, headers, st.binary(max_size=40), tokens, st.sampled_from(["sts", "s3"]))
def test_our_signer_and_botocore_say_the_same(
    path: str, query: str, more: list[tuple[str, str]], body: bytes, token: str | None, service: str
) -> None:
    url = f"https://api.example{path}" + (f"?{query}" if query else "")
    theirs = by_botocore("S3SigV4Auth" if service == "s3" else "SigV4Auth", "PUT", url, more, body, service, token)
    plain = SignedRequest("PUT", path, query, [("Host", "api.example"), *more], body)
    ours = sign(plain, ClientKeys(KEY_ID, SECRET, token), now=signed_at(theirs), region="us-east-1", service=service)
    assert ours[-1] == ("Authorization", header(theirs, "Authorization"))


@given(paths, queries, tokens, st.sampled_from(["sts", "s3"]), st.integers(1, 604_800))
def test_our_presigned_urls_verify(path: str, query: str, token: str | None, service: str, expires: int) -> None:
    plain = SignedRequest("GET", path, query, [("Host", "api.example")], b"")
    keys = ClientKeys(KEY_ID, SECRET, token)
    made = presign(plain, keys, now=moment("20250301T120000Z"), region="us-east-1", service=service, expires=expires)
    verified = check(replace(plain, query_raw=made))
    assert verified.expires_at is not None
    assert (verified.expires_at - verified.date).total_seconds() == expires


@given(
    st.text(max_size=12),
    st.text(max_size=200),
    st.lists(st.tuples(st.sampled_from(["Authorization", "X-Amz-Date", "Host", "Date"]), st.text(max_size=120)), max_size=4),
)
def test_rubbish_is_refused_in_words(path: str, query: str, rubbish: list[tuple[str, str]]) -> None:
    """Nothing but an ApiError comes out, whatever goes in."""
    with pytest.raises(ApiError):
        check(SignedRequest("GET", path, query, rubbish, b""), now=moment("20250301T120000Z"))


def test_a_date_header_alone_will_do_when_it_is_signed() -> None:
    request = by_botocore("SigV4Auth", "GET", "https://api.example/", [("Date", "x")], b"")
    now = moment(header(by_botocore("SigV4Auth", "GET", "https://api.example/", [], b""), "X-Amz-Date"))
    assert not header(request, "X-Amz-Date")
    assert check(request, now=now).date.tzinfo is not None
    with pytest.raises(IncompleteSignature):
        check(with_header(request, "Date", lambda _: "yesterday"), now=now)
