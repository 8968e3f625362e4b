"""Signed chunks: AWS's published examples, and every way to cut, change or prolong a stream."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.api_errors import ApiError, IncompleteSignature, SignatureMismatch
from broker.sigv4 import STREAMING_SIGNED, STREAMING_SIGNED_TRAILER, STREAMING_UNSIGNED_TRAILER, ChunkedBody, Scope, Seed, SignedRequest
from broker.sigv4.keys import derive
from tests.fakes.sigv4 import ANYTHING, REGION, SECRET, SigningSecret, adding, check, moment, with_header, without
from tests.unit.sigv4.chunks import Trickle, encoded

S3_SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"  # as in the S3 documentation: a slash where the test suite has a plus
SCOPE = Scope("20130524", REGION, "s3")
SEED = Seed("4f" * 32, derive(SECRET, SCOPE), "20130524T000000Z", SCOPE, 0)
CHUNKS = (b"a" * 70_000, b"b" * 5, b"c" * 65_536)
DATA = b"".join(CHUNKS)
SUM = {"x-amz-checksum-crc32c": "sOO8/Q=="}


def seed(length: int = len(DATA), **other: object) -> Seed:
    return replace(SEED, decoded_length=length, **other)  # type: ignore[arg-type]


# "Transferring Payload in Multiple Chunks" of the Amazon S3 API reference: the signatures as published.
EXAMPLES = {
    STREAMING_SIGNED: [
        "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
        "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
        "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
        "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
    ],
    STREAMING_SIGNED_TRAILER: [
        "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e",
        "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
        "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
        "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
    ],
}


def published(kind: str) -> SignedRequest:
    """The PUT of 66,560 times `a` to examplebucket/chunkObject.txt."""
    trailer = kind == STREAMING_SIGNED_TRAILER
    headers = [
        ("Host", "s3.amazonaws.com"),
        ("x-amz-date", "20130524T000000Z"),
        ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
        ("x-amz-content-sha256", kind),
        ("Content-Encoding", "aws-chunked"),
        ("x-amz-decoded-content-length", "66560"),
        *([("x-amz-trailer", "x-amz-checksum-crc32c")] if trailer else [("Content-Length", "66824")]),
    ]
    names = ";".join(sorted(name.lower() for name, _ in headers))
    value = (
        f"AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
        f"SignedHeaders={names},Signature={EXAMPLES[kind][0]}"
    )
    return SignedRequest("PUT", "/examplebucket/chunkObject.txt", "", [*headers, ("Authorization", value)], None)


def seed_of(request: SignedRequest) -> Seed | None:
    return check(request, now=moment("20130524T000010Z"), secret_of=lambda *_: SigningSecret(S3_SECRET)).seed


@pytest.mark.parametrize("kind", EXAMPLES)
def test_the_published_stream_verifies(kind: str) -> None:
    found = seed_of(published(kind))
    assert found is not None
    _, first, second, last = EXAMPLES[kind]
    body = b"10000;chunk-signature=%b\r\n%b\r\n" % (first.encode(), b"a" * 65_536)
    body += b"400;chunk-signature=%b\r\n%b\r\n" % (second.encode(), b"a" * 1_024)
    body += b"0;chunk-signature=%b\r\n" % last.encode()
    if found.trailers:
        signature = found.seal(last, "x-amz-checksum-crc32c:sOO8/Q==\n")
        assert signature == "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435"
        body += b"x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:%b\r\n" % signature.encode()
    read = ChunkedBody(BytesIO(body + b"\r\n"), found)
    assert read.read() == b"a" * 66_560
    assert read.read(1) == b""
    assert read.trailers == (SUM if found.trailers else {})


@pytest.mark.parametrize("most", [1, 7, 100_000])
@pytest.mark.parametrize("size", [1_000, 65_536, -1])
def test_it_may_come_and_be_read_in_any_portions(most: int, size: int) -> None:
    body = ChunkedBody(Trickle(encoded(seed(), CHUNKS), most), seed())
    got = b""
    while part := body.read(size):
        got += part
    assert got == DATA
    assert b"".join(ChunkedBody(BytesIO(encoded(seed(), CHUNKS)), seed())) == DATA


def test_an_empty_body_is_one_empty_chunk() -> None:
    assert ChunkedBody(BytesIO(encoded(seed(0), ())), seed(0)).read() == b""


def test_unsigned_chunks_pass_with_their_trailer() -> None:
    plain = seed(signed=False, trailers=tuple(SUM))
    body = ChunkedBody(BytesIO(encoded(plain, CHUNKS, SUM)), plain)
    assert body.read(len(DATA)) == DATA
    assert body.trailers == SUM


GOOD = encoded(seed(), CHUNKS)
TRAILED = encoded(seed(trailers=tuple(SUM)), CHUNKS, SUM)


def swapped() -> bytes:
    one = seed(10)
    body = encoded(one, (b"hello", b"world"))
    size = 2 + 16 + 65 + 2 + 7
    first, second, rest = body[:size], body[size : 2 * size], body[2 * size :]
    return second + first + rest


BROKEN = {
    "a byte of data": (GOOD.replace(b"aaaa", b"aaab", 1), seed()),
    "a chunk left out": (GOOD[GOOD.index(b"\r\n5;") + 2 :], seed(len(DATA) - 70_000)),
    "a chunk left out in the middle": (
        GOOD[: GOOD.index(b"\r\n5;")] + GOOD[GOOD.index(b"\r\n10000;") :],
        seed(len(DATA) - 5),
    ),
    "chunks swapped": (swapped(), seed(10)),
    "cut off in a chunk": (GOOD[:1_000], seed()),
    "cut off after a chunk": (GOOD[: GOOD.index(b"\r\n5;") + 2], seed()),
    "cut off before the last line": (GOOD[:-2], seed()),
    "ended early": (encoded(seed(), CHUNKS[:2]), seed()),
    "longer than said": (GOOD, seed(len(DATA) - 1)),
    "shorter than said": (GOOD, seed(len(DATA) + 1)),
    "something behind": (GOOD + b"0", seed()),
    "no signature": (GOOD.replace(b";chunk-signature=", b";", 1), seed()),
    "an upper-case signature": (GOOD.replace(GOOD[22:86], GOOD[22:86].upper(), 1), seed()),
    "a size that lies": (GOOD.replace(b"11170;", b"11171;", 1), seed()),
    "a negative size": (b"-" + GOOD, seed()),
    "a size with spaces": (b" " + GOOD, seed()),
    "no end of line": (b"1" * 3_000, seed()),
    "another seed": (GOOD, seed(signature="4e" * 32)),
    "another time": (GOOD, seed(stamp="20130524T000001Z")),
    "another key": (GOOD, seed(key=b"k" * 32)),
    "a trailer nobody announced": (TRAILED, seed()),
    "an announced trailer that is missing": (GOOD, seed(trailers=tuple(SUM))),
    "a changed trailer": (TRAILED.replace(b"sOO8", b"sOO9"), seed(trailers=tuple(SUM))),
    "an unsigned trailer": (
        TRAILED[: TRAILED.index(b"x-amz-trailer-signature")] + b"\r\n",
        seed(trailers=tuple(SUM)),
    ),
    "a trailer behind the signature": (TRAILED[:-2] + b"x-own:1\r\n\r\n", seed(trailers=(*SUM, "x-own"))),
    "a repeated trailer": (
        TRAILED.replace(b"x-amz-trailer-s", b"x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-s"),
        seed(trailers=tuple(SUM)),
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_stream_that_is_not_as_signed_is_refused(name: str) -> None:
    raw, start = BROKEN[name]
    body = ChunkedBody(BytesIO(raw), start)
    with pytest.raises((IncompleteSignature, SignatureMismatch)):
        body.read()
    with pytest.raises((IncompleteSignature, SignatureMismatch)):
        body.read(1)


def test_the_twins_of_the_broken_ones_are_good() -> None:
    assert ChunkedBody(BytesIO(GOOD), seed()).read() == DATA
    assert ChunkedBody(BytesIO(TRAILED), seed(trailers=tuple(SUM))).read() == DATA


def test_a_reader_that_stops_at_the_length_has_seen_the_end_verified() -> None:
    """The last bytes wait for the last, empty chunk: without it they are not handed out."""
    cut = GOOD[: GOOD.index(b"\r\n0;") + 2]
    body = ChunkedBody(BytesIO(cut), seed())
    with pytest.raises(IncompleteSignature):
        body.read(len(DATA))


def test_nothing_of_a_bad_chunk_is_handed_out() -> None:
    body = ChunkedBody(BytesIO(GOOD.replace(b"cccc", b"cccx", 1)), seed())
    assert set(body.read(70_000)) == set(b"a")
    with pytest.raises(SignatureMismatch):
        body.read(6)


def test_a_signed_chunk_has_a_bound_before_a_byte_of_it_is_read() -> None:
    source = BytesIO(encoded(seed(), CHUNKS))
    with pytest.raises(IncompleteSignature, match="larger"):
        ChunkedBody(source, seed(), max_chunk=65_536).read()
    assert source.tell() < 2_000
    assert ChunkedBody(BytesIO(encoded(seed(), CHUNKS)), seed(), max_chunk=70_000).read() == DATA


@given(st.lists(st.binary(min_size=1, max_size=50), max_size=5), st.booleans(), st.data())
def test_no_byte_of_a_stream_can_be_changed(chunks: list[bytes], trailed: bool, data: st.DataObject) -> None:
    start = seed(sum(map(len, chunks)), trailers=tuple(SUM) if trailed else ())
    raw = encoded(start, chunks, SUM if trailed else None)
    assert ChunkedBody(BytesIO(raw), start).read() == b"".join(chunks)
    at = data.draw(st.integers(0, len(raw) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != raw[at]))
    changed = raw[:at] + bytes([byte]) + raw[at + 1 :]
    # The size is read as a number: `A` and `a` say the same, and a space before the trailer's value is trimmed.
    if changed.lower() != raw.lower():
        with pytest.raises(ApiError):
            ChunkedBody(BytesIO(changed), start).read()


@given(st.binary(max_size=300))
def test_rubbish_is_refused_in_words(raw: bytes) -> None:
    with pytest.raises(ApiError):
        ChunkedBody(BytesIO(raw), seed()).read()


HEADER_CASES = {
    "no length": lambda request: without(request, "x-amz-decoded-content-length"),
    "a length that is no number": lambda request: with_header(request, "x-amz-decoded-content-length", lambda _: "-1"),
    "a trailer added": lambda request: adding(request, ("x-amz-trailer", "x-own")),
}


@pytest.mark.parametrize("name", HEADER_CASES)
def test_the_headers_of_a_stream_must_be_signed(name: str) -> None:
    assert seed_of(published(STREAMING_SIGNED)) is not None
    with pytest.raises(ApiError):
        seed_of(HEADER_CASES[name](published(STREAMING_SIGNED)))


@pytest.mark.parametrize(
    "kind", [STREAMING_SIGNED, STREAMING_SIGNED_TRAILER, STREAMING_UNSIGNED_TRAILER, "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD"]
)
def test_streams_are_refused_unless_asked_for(kind: str) -> None:
    request = with_header(published(STREAMING_SIGNED), "x-amz-content-sha256", lambda _: kind)
    with pytest.raises(IncompleteSignature):
        check(request, replace(ANYTHING, allow_streaming=False))
    assert seed_of(published(STREAMING_SIGNED)) is not None
