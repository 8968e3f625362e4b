"""Chunked bodies: decoded however they are cut, and refused where two readers could differ."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.cli.chunks import Chunked


def encoded(pieces: list[bytes], trailer: bytes = b"") -> bytes:
    return b"".join(b"%X\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n" + trailer + b"\r\n"


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=5), st.integers(1, 9), st.binary(max_size=20))
def test_any_body_in_any_pieces(pieces: list[bytes], step: int, behind: bytes) -> None:
    octets, found, wire = encoded(pieces), Chunked(), bytearray()
    for at in range(0, len(octets), step):
        wire += octets[at : at + step]
        whole = found.feed(wire)
        assert whole == (at + step >= len(octets))
    wire += behind
    assert found.feed(wire)
    assert found.body == b"".join(pieces)
    assert wire == behind  # the next request is left alone


def test_extensions_and_trailers_are_read_past() -> None:
    wire = bytearray(b'3;name="v"\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\nGET')
    found = Chunked()
    assert found.feed(wire)
    assert (bytes(found.body), bytes(wire)) == (b"abc", b"GET")


@pytest.mark.parametrize(
    "octets",
    [
        b"3\nabc\r\n0\r\n\r\n",
        b"3\r\nabcd\r\n0\r\n\r\n",
        b"0x3\r\nabc\r\n0\r\n\r\n",
        b"-3\r\nabc\r\n",
        b" 3\r\nabc\r\n",
        b"\r\n",
        b"3;a\nb\r\nabc\r\n0\r\n\r\n",
        b"123456789\r\n",
        b"3" * 2000,
        b"0\r\n" + b"a: b\r\n" * 40,
    ],
)
def test_what_a_proxy_could_read_otherwise_is_refused(octets: bytes) -> None:
    with pytest.raises(ValueError, match=r"chunk|trailer"):
        Chunked().feed(bytearray(octets))


@given(st.binary(max_size=200))
def test_no_octets_do_anything_else(octets: bytes) -> None:
    found, whole = Chunked(), False
    with suppress(ValueError):
        whole = found.feed(bytearray(octets))
    assert whole == found.done
    assert len(found.body) <= len(octets)
