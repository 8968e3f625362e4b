"""A connection gathers whole requests, of which gunicorn's parser says what they are, and nothing waits for it."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from gunicorn.config import Config
from gunicorn.http.errors import ParseException

from broker.cli.connection import MOST_BODY, MOST_HEAD, Connection

HEAD = b"POST /t HTTP/1.1\r\nHost: a\r\n"


class Pair:
    """A client and its connection on our side."""

    def __init__(self) -> None:
        self.cfg = Config()
        self.cfg.set("forwarded_allow_ips", "")
        self.client, ours = socket.socketpair()
        ours.setblocking(False)
        self.client.settimeout(5)
        self.connection = Connection(ours, "", "", 0.0)

    def say(self, octets: bytes) -> bool:
        """Whether a whole request is there then."""
        for at in range(0, len(octets), 32768):
            self.client.sendall(octets[at : at + 32768])
            assert self.connection.receive(1.0)
        return self.connection.gathered(self.cfg)

    def body(self) -> bytes:
        return self.connection.body


@pytest.fixture
def pair() -> Iterator[Pair]:
    made = Pair()
    yield made
    made.client.close()
    made.connection.sock.close()


def test_a_request_in_pieces_is_ready_with_its_last_octet(pair: Pair) -> None:
    octets = HEAD + b"Content-Length: 3\r\n\r\nabc"
    for at in range(len(octets) - 1):
        assert not pair.say(octets[at : at + 1])
    assert pair.say(octets[-1:])
    assert (pair.connection.request.method, pair.connection.request.path, pair.body()) == ("POST", "/t", b"abc")


def test_two_requests_in_one_piece_come_one_after_the_other(pair: Pair) -> None:
    assert pair.say(
        HEAD + b"Content-Length: 1\r\n\r\na" + HEAD.replace(b"/t", b"/u") + b"Transfer-Encoding: chunked\r\n\r\n2\r\nbc\r\n0\r\n\r\n"
    )
    assert pair.body() == b"a"
    assert pair.connection.next_request(2.0, 5)
    assert pair.connection.gathered(pair.cfg)
    assert (pair.connection.request.path, pair.body()) == ("/u", b"bc")
    assert not pair.connection.next_request(3.0, 5)
    assert pair.connection.idle


def test_time_runs_from_the_first_octet_and_no_drop_extends_it(pair: Pair) -> None:
    assert pair.connection.deadline == 10
    for second in range(1, 30):
        pair.client.sendall(b"G")
        pair.connection.receive(float(second))
    assert pair.connection.deadline == 31


@pytest.mark.parametrize("framing", [b"Content-Length: %d\r\n\r\n" % (MOST_BODY + 1), b"Transfer-Encoding: chunked\r\n\r\n"])
def test_a_body_that_is_too_long_is_given_on_to_be_refused_and_is_the_last(pair: Pair, framing: bytes) -> None:
    more = b"" if b"Length" in framing else b"%x\r\n" % (MOST_BODY + 100) + b"x" * (MOST_BODY + 1)
    assert pair.say(HEAD + framing + more)
    assert pair.connection.request.should_close()
    assert len(pair.body()) in {0, MOST_BODY + 1}


def test_whoever_waits_to_be_told_is_told_to_go_on_and_nobody_else(pair: Pair) -> None:
    assert not pair.say(HEAD + b"Content-Length: 3\r\nExpect: 100-continue\r\n\r\n")
    assert pair.client.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert pair.say(b"abc")
    pair.connection.next_request(1.0, 5)
    assert pair.say(HEAD + b"Content-Length: 900000\r\nExpect: 100-continue\r\n\r\n")
    pair.client.setblocking(False)
    with pytest.raises(BlockingIOError):
        pair.client.recv(100)


def test_a_name_with_an_underscore_is_not_another_header(pair: Pair) -> None:
    assert pair.say(HEAD + b"X_Forwarded_For: 192.0.2.1\r\nX-Real: 1\r\n\r\n")
    assert pair.connection.request.headers == [("HOST", "a"), ("X-REAL", "1")]


@pytest.mark.parametrize(
    "octets",
    [
        HEAD + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        HEAD + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\n",
        HEAD + b"Content-Length: +1\r\n\r\n",
        HEAD + b"Host: b\r\n\r\n",
        HEAD + b"A: b\r\n c\r\n\r\n",
        HEAD + b"Transfer-Encoding: xchunked\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\nx",
        b"GET / HTTP/1.1\nHost: a\n\n",
        b"GET / HTTP/9.1\r\n\r\n",
        b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nA: " + b"a" * (MOST_HEAD + 1),
    ],
)
def test_a_doubtful_request_is_refused(pair: Pair, octets: bytes) -> None:
    with pytest.raises(ParseException):
        pair.say(octets)


def test_an_answer_waits_for_whoever_reads_slowly(pair: Pair) -> None:
    octets = bytes(4 * 1024 * 1024)
    pair.connection.answer(octets, True)
    assert len(pair.connection.out) > 0
    got = 0
    while got < len(octets):
        got += len(pair.client.recv(65536))
        pair.connection.flush()
    assert len(pair.connection.out) == 0
    assert pair.connection.kept


def test_nobody_is_left_to_answer(pair: Pair) -> None:
    pair.client.close()
    pair.connection.answer(bytes(1000), True)
    assert (len(pair.connection.out), pair.connection.kept) == (0, False)
    assert not pair.connection.receive(1.0)
