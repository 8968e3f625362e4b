"""IP-S4.1 to S4.6: what the verifier of signatures must refuse. S4.1 is whole in tests/unit/sigv4/test_suite.py."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from broker.api_errors import ApiError, IncompleteSignature, MissingAuthentication, SignatureExpired, SignatureMismatch
from broker.sigv4 import ClientKeys, SignedRequest
from tests.attacks.identitypool.signed import DEFAULT, NOW, PLAIN, Change, accepts, refuses, signed
from tests.fakes.sigv4 import (
    ANYTHING,
    KEY_ID,
    SECRET,
    TOKEN,
    adding,
    by_botocore,
    check,
    header,
    json_call,
    signed_at,
    with_header,
    without,
)


@pytest.mark.parametrize("token", [None, TOKEN])
def test_s4_2_boto3_signs_all_that_we_ask_for(token: str | None) -> None:
    assert check(json_call(token=token), DEFAULT).payload == "verified"


def signed_without(name: str, request: SignedRequest) -> SignedRequest:
    """Honestly signed by a client that leaves one header out of its signature."""
    value = header(request, name)
    bare = signed(without(request, name))
    return adding(bare, (name, value))


@pytest.mark.parametrize("name", ["X-Amz-Target", "X-Amz-Security-Token"])
def test_s4_2_what_we_act_on_must_be_signed(name: str) -> None:
    request = replace(PLAIN, headers=[*PLAIN.headers, ("X-Amz-Security-Token", TOKEN)])
    refuses(signed_without(name, request), SignatureMismatch, f"'{name.lower()}' must be a 'SignedHeader'")
    accepts(signed(request))


@pytest.mark.parametrize("name", ["host", "x-amz-date"])
def test_s4_2_and_so_must_host_and_date(name: str) -> None:
    honest = signed()
    unsigned = with_header(honest, "Authorization", lambda value: value.replace(f"{name};", "").replace(f";{name}", ""))
    refuses(unsigned, SignatureMismatch, "must be a 'SignedHeader'")
    refuses(without(honest, name), IncompleteSignature)
    accepts(honest)


def test_s4_2_a_service_may_ask_for_more() -> None:
    more = replace(DEFAULT, must_sign=DEFAULT.must_sign | {"content-type"})
    late = adding(signed(), ("Content-Type", "text/plain"))
    accepts(late)
    refuses(late, SignatureMismatch, "'content-type'", more)
    accepts(signed(adding(PLAIN, ("Content-Type", "text/plain"))), more)


@pytest.mark.parametrize("seconds", [301, 3_600, 10**9])
def test_s4_3_a_date_too_old_or_too_new(seconds: int) -> None:
    away = timedelta(seconds=seconds)
    old = refuses(signed(), SignatureExpired, "Signature expired: 20250301T120000Z is now earlier than", now=NOW + away)
    assert old.public.endswith("- 5 min.)")
    refuses(signed(), SignatureExpired, "Signature not yet current: 20250301T120000Z is still later than", now=NOW - away)
    for within in (-300, 0, 300):
        assert check(signed(), DEFAULT, NOW + timedelta(seconds=within)).date == NOW


def test_s4_3_a_wider_window_is_a_setting() -> None:
    wide = replace(DEFAULT, max_skew=900)
    assert check(signed(), wide, NOW + timedelta(minutes=14)).date == NOW
    refuses(signed(), SignatureExpired, "- 15 min.)", wide, now=NOW + timedelta(minutes=16))


DATES: dict[str, tuple[Change, type[ApiError]]] = {
    "missing": (lambda request: without(request, "X-Amz-Date"), IncompleteSignature),
    "empty": (lambda request: with_header(request, "X-Amz-Date", lambda _: ""), IncompleteSignature),
    "no such day": (lambda request: with_header(request, "X-Amz-Date", lambda _: "20250230T120000Z"), IncompleteSignature),
    "year 1": (lambda request: with_header(request, "X-Amz-Date", lambda _: "00010101T000000Z"), IncompleteSignature),
    "year 9999": (lambda request: with_header(request, "X-Amz-Date", lambda _: "99991231T235959Z"), IncompleteSignature),
    "other digits": (lambda request: with_header(request, "X-Amz-Date", lambda _: "２０250301T120000Z"), IncompleteSignature),
    "with a zone": (lambda request: with_header(request, "X-Amz-Date", lambda _: "20250301T120000+0000"), IncompleteSignature),
    "twice": (lambda request: adding(request, ("x-amz-date", "20250301T120000Z")), IncompleteSignature),
    "Date disagrees": (lambda request: adding(request, ("Date", "Sat, 01 Mar 2025 11:59:00 GMT")), IncompleteSignature),
    "Date is rubbish": (lambda request: adding(request, ("Date", "now")), IncompleteSignature),
    "another day than the scope": (
        lambda request: with_header(request, "Authorization", lambda value: value.replace("/20250301/", "/20250228/")),
        SignatureMismatch,
    ),
}


@pytest.mark.parametrize("name", DATES)
def test_s4_3_dates_that_are_none_or_disagree(name: str) -> None:
    change, kind = DATES[name]
    refuses(change(signed()), kind)
    accepts(signed())
    accepts(adding(signed(), ("Date", "Sat, 01 Mar 2025 12:00:00 GMT")))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"region": "eu-west-1"}, "Credential should be scoped to a valid region, not 'eu-west-1'."),
        ({"service": "iam"}, "Credential should be scoped to correct service: 'sts'."),
    ],
    ids=["region", "service"],
)
def test_s4_4_a_signature_for_elsewhere(change: dict[str, str], words: str) -> None:
    refuses(signed(**change), SignatureMismatch, words, services=("sts",))  # type: ignore[arg-type]
    accepts(signed())


AUTHORIZATIONS: dict[str, tuple[Change, type[ApiError]]] = {
    "terminator": (lambda r: with_header(r, "Authorization", lambda v: v.replace("aws4_request", "aws5_request")), SignatureMismatch),
    "SigV4A": (lambda r: with_header(r, "Authorization", lambda v: v.replace("HMAC", "ECDSA-P256")), IncompleteSignature),
    "HMAC-SHA1": (lambda r: with_header(r, "Authorization", lambda v: v.replace("SHA256 ", "SHA1 ")), IncompleteSignature),
    "lower case": (lambda r: with_header(r, "Authorization", lambda v: v.replace("AWS4-HMAC", "aws4-hmac")), IncompleteSignature),
    "version 2": (lambda r: with_header(r, "Authorization", lambda _: "AWS AKIDEXAMPLE:c2ln"), IncompleteSignature),
    "bearer": (lambda r: with_header(r, "Authorization", lambda _: "Bearer abc"), MissingAuthentication),
    "none": (lambda r: without(r, "Authorization"), MissingAuthentication),
    "empty": (lambda r: with_header(r, "Authorization", lambda _: ""), MissingAuthentication),
    "two headers": (lambda r: adding(r, ("authorization", header(r, "Authorization"))), IncompleteSignature),
    "a doubled part": (lambda r: with_header(r, "Authorization", lambda v: v + ", Signature=" + "0" * 64), IncompleteSignature),
    "an unknown part": (lambda r: with_header(r, "Authorization", lambda v: v + ", Extra=1"), IncompleteSignature),
    "a part less": (lambda r: with_header(r, "Authorization", lambda v: v.rpartition(",")[0]), IncompleteSignature),
    "upper-case digits": (lambda r: with_header(r, "Authorization", lambda v: v[:-64] + v[-64:].upper()), IncompleteSignature),
    "a short signature": (lambda r: with_header(r, "Authorization", lambda v: v[:-1]), IncompleteSignature),
    "an empty signature": (lambda r: with_header(r, "Authorization", lambda v: v[:-64]), IncompleteSignature),
    "unsorted names": (
        lambda r: with_header(r, "Authorization", lambda v: v.replace("host;x-amz-date", "x-amz-date;host")),
        IncompleteSignature,
    ),
    "a doubled name": (lambda r: with_header(r, "Authorization", lambda v: v.replace("=host;", "=host;host;")), IncompleteSignature),
    "an upper-case name": (lambda r: with_header(r, "Authorization", lambda v: v.replace("=host", "=Host")), IncompleteSignature),
    "a name that is not there": (
        lambda r: with_header(r, "Authorization", lambda v: v.replace("=host", "=accept;host")),
        IncompleteSignature,
    ),
    "a scope in six parts": (lambda r: with_header(r, "Authorization", lambda v: v.replace("/sts/", "/sts/x/")), IncompleteSignature),
    "an empty key": (lambda r: with_header(r, "Authorization", lambda v: v.replace(KEY_ID, "")), IncompleteSignature),
}


@pytest.mark.parametrize("name", AUTHORIZATIONS)
def test_s4_4_authorizations_that_are_none(name: str) -> None:
    change, kind = AUTHORIZATIONS[name]
    assert change(signed()) != signed()
    error = refuses(change(signed()), kind)
    assert error.public
    accepts(signed())


def test_s4_4_missing_authentication_says_so_in_aws_words() -> None:
    assert refuses(PLAIN, MissingAuthentication).public == "Missing Authentication Token"
    assert refuses(AUTHORIZATIONS["a part less"][0](signed()), IncompleteSignature).public == (
        "Authorization header requires 'Signature' parameter."
    )


def test_s4_5_a_body_other_than_the_signed_one() -> None:
    refuses(replace(signed(), body=b"{} "), SignatureMismatch, "does not match the signature you provided")
    hashed = signed(replace(PLAIN, headers=[*PLAIN.headers, ("X-Amz-Content-Sha256", "0" * 64)]))
    refuses(hashed, SignatureMismatch, "does not match the signature you provided")
    accepts(signed())


def test_s4_5_an_unseen_body_is_never_called_verified() -> None:
    """A proxy's sub-request has no body: the signature over its hash says who, and the hash, but not that this body has it."""
    stored = signed(PLAIN, service="s3")
    found = check(replace(stored, body=None), DEFAULT, NOW)
    assert (found.payload, found.payload_sha256) == ("unverified", header(stored, "X-Amz-Content-Sha256"))
    refuses(replace(signed(), body=None), SignatureMismatch)
    assert check(stored, DEFAULT, NOW).payload == "verified"


@pytest.mark.parametrize(
    "kind",
    [
        "UNSIGNED-PAYLOAD",
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
        "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD",
        "unsigned-payload",
        "",
        "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855",
    ],
)
@pytest.mark.parametrize("service", ["sts", "s3"])
def test_s4_5_a_payload_that_is_not_covered(kind: str, service: str) -> None:
    request = signed(adding(PLAIN, ("X-Amz-Content-Sha256", "x")), service)
    refuses(with_header(request, "X-Amz-Content-Sha256", lambda _: kind), IncompleteSignature)
    accepts(signed(PLAIN, service))


def test_s4_5_unsigned_only_where_it_is_allowed() -> None:
    request = signed(adding(PLAIN, ("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")), "s3")
    refuses(request, IncompleteSignature)
    assert check(request, ANYTHING, NOW).payload == "unsigned"


def test_s4_5_unsigned_chunks_need_both_permissions() -> None:
    headers = [("Host", "s3.example"), ("X-Amz-Content-Sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER")]
    headers += [("X-Amz-Decoded-Content-Length", "5"), ("X-Amz-Trailer", "x-amz-checksum-crc32")]
    request = signed(SignedRequest("PUT", "/b/k", "", headers, None), "s3")
    refuses(request, IncompleteSignature, policy=replace(ANYTHING, allow_unsigned_payload=False))
    seed = check(request, ANYTHING, NOW).seed
    assert seed is not None
    assert not seed.signed
    assert seed.trailers == ("x-amz-checksum-crc32",)


def test_s4_5_s3_wants_to_be_told_what_the_body_is() -> None:
    refuses(without(signed(PLAIN, "s3"), "X-Amz-Content-Sha256"), IncompleteSignature, "x-amz-content-sha256")


# What a request looks like on the wire, and whether it verifies when it was signed as it stands. `strict_spelling` is the default.
SPELLINGS = {
    "plain": ("/a/b", "a=1&b=2", True),
    "an unsorted query": ("/a", "b=2&a=1", True),
    "an empty value": ("/a", "a=&b", True),
    "an escaped query": ("/a", "a=%2F%20", True),
    "an escaped path": ("/a%20b/%E1%88%B4", "", True),
    "a twice escaped path": ("/a%2520b", "", True),
    "a dot segment": ("/a/./b", "", False),
    "a parent segment": ("/a/../b", "", False),
    "a double slash": ("/a//b", "", False),
    "raw letters": ("/\u1234", "", False),
    "a raw space": ("/a b", "", False),
    "no slash": ("a", "", False),
    "a control character": ("/a\x00", "", False),
    "lower-case escapes": ("/a", "a=%2f", False),
    "an escape too many": ("/a", "%61=1", False),
    "a plus": ("/a", "a=b+c", False),
    "a raw space in the query": ("/a", "a=b c", False),
    "a semicolon": ("/a", "a=1;b=2", False),
    "a second equals sign": ("/a", "a=b=c", False),
    "a repeated name": ("/a", "a=1&a=2", False),
    "an empty name": ("/a", "=1", False),
    "an empty part": ("/a", "a=1&&b=2", False),
    "a broken escape": ("/a", "a=%2", False),
    "raw letters in the query": ("/a", "a=\u1234", False),
    "a line in the query": ("/a", "a=1\nb", False),
}


@pytest.mark.parametrize("name", SPELLINGS)
def test_s4_6_spellings(name: str) -> None:
    """botocore signs whatever it is given; what can be read in two ways is refused even so."""
    path, query, fine = SPELLINGS[name]
    url = f"https://api.example{path if path.startswith('/') else '/'}?{query}"
    request = replace(by_botocore("SigV4Auth", "GET", url, [], b""), path_raw=path, query_raw=query)
    if fine:
        assert check(request, DEFAULT).access_key_id == KEY_ID
    else:
        refuses(request, IncompleteSignature, now=signed_at(request))


@pytest.mark.parametrize(
    ("path", "fine"),
    [
        *((path, True) for path in ("/b//k", "/b/a%2Bb", "/b/%E1%88%B4")),
        *((path, False) for path in ("/b/./k", "/b/../k", "/b/a+b", "/b/a%2fb", "/b/a%2Fb", "/b/%61", "/b/%2E%2E/k", "/b/%zz", "/b/a b")),
    ],
)
def test_s4_6_paths_of_objects(path: str, fine: bool) -> None:
    """S3 does not normalise: a double slash is part of a name. Dots and hidden slashes are what others would resolve."""
    request = by_botocore("S3SigV4Auth", "GET", f"https://s3.example{path}", [], b"", "s3")
    request = replace(request, path_raw=path)
    if fine:
        assert check(request, DEFAULT).path == path
    else:
        refuses(request, IncompleteSignature, now=signed_at(request))


def test_s4_6_without_strictness_the_answer_holds_the_path_that_was_signed() -> None:
    loose = replace(DEFAULT, strict_spelling=False)
    honest = by_botocore("SigV4Auth", "GET", "https://api.example/b", [], b"")
    for other in ("/a/../b", "//b", "/./b"):
        assert check(replace(honest, path_raw=other), loose).path == "/b"
        refuses(replace(honest, path_raw=other), IncompleteSignature, now=signed_at(honest))


HEADERS: dict[str, tuple[Change, type[ApiError]]] = {
    "a second host": (lambda r: adding(r, ("HOST", "evil.example")), IncompleteSignature),
    "a second target": (lambda r: adding(r, ("x-amz-target", "Service.Other")), IncompleteSignature),
    "a second token": (lambda r: adding(r, ("x-amz-security-token", TOKEN)), IncompleteSignature),
    "a second hash": (
        lambda r: adding(r, ("x-amz-content-sha256", "0" * 64), ("x-amz-content-sha256", "1" * 64)),
        IncompleteSignature,
    ),
    "a folded host": (lambda r: with_header(r, "Host", lambda v: v + "\r\n "), IncompleteSignature),
    "a folded target": (lambda r: with_header(r, "X-Amz-Target", lambda v: v + "\n x"), IncompleteSignature),
    "a null": (lambda r: with_header(r, "X-Amz-Target", lambda v: v + "\x00"), IncompleteSignature),
    "other letters": (lambda r: with_header(r, "X-Amz-Target", lambda v: v + "é"), IncompleteSignature),
    "a name with a space": (lambda r: adding(r, ("X-Amz-Date ", "20250301T120000Z")), IncompleteSignature),
    "a Kelvin sign": (lambda r: adding(r, ("X-Amz-Security-To\u212aen", TOKEN)), IncompleteSignature),
    "an empty token": (lambda r: with_header(r, "X-Amz-Security-Token", lambda _: ""), IncompleteSignature),
    "a huge token": (lambda r: with_header(r, "X-Amz-Security-Token", lambda v: v * 200), IncompleteSignature),
    "inner spaces in a target": (lambda r: with_header(r, "X-Amz-Target", lambda v: v.replace(".", " . ")), SignatureMismatch),
    "a lower-case method": (lambda r: replace(r, method="post"), IncompleteSignature),
    "a line in the method": (lambda r: replace(r, method="POST\n/x"), IncompleteSignature),
}


@pytest.mark.parametrize("name", HEADERS)
def test_s4_6_headers(name: str) -> None:
    honest = signed(keys=ClientKeys(KEY_ID, SECRET, TOKEN))
    change, kind = HEADERS[name]
    refuses(change(honest), kind)
    accepts(honest)


def test_s4_6_repeated_headers_that_mean_a_list_verify_in_their_order() -> None:
    honest = signed(adding(PLAIN, ("X-List", "b"), ("X-List", " a  c ")))
    accepts(honest)
    joined = [pair for pair in honest.headers if pair[0] != "X-List"]
    accepts(replace(honest, headers=[*joined, ("X-List", "b,a c")]))
    refuses(replace(honest, headers=[*joined, ("X-List", "a c"), ("X-List", "b")]), SignatureMismatch)
