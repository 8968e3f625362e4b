"""What the application is told of a request, and what goes out of its answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from gunicorn.config import Config
from gunicorn.http.message import Request

from broker.cli.answering import answer_of, environ_of
from broker.cli.connection import Head


def environ(octets: bytes, body: bytes = b"", peer: Any = ("192.0.2.7", 4)) -> dict[str, Any]:
    return environ_of(Request(Config(), Head(octets), peer), peer, ("198.51.100.1", 443), body)


def app(status: str, headers: list[tuple[str, str]], pieces: Iterable[bytes]) -> Callable[..., Iterable[bytes]]:
    def wsgi(_environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response(status, headers)
        return pieces

    return wsgi


GET = environ(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")


def test_the_environment() -> None:
    head = b"POST /a%2Fb%C3%A9?x=%20 HTTP/1.1\r\nHost: a\r\nContent-Type: t/x\r\nContent-Length: 2\r\nX-A: 1\r\nX-A: 2\r\nX_A: 3\r\n\r\n"
    found = environ(head, b"hi")
    wanted = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/a/b\xc3\xa9",
        "QUERY_STRING": "x=%20",
        "RAW_URI": "/a%2Fb%C3%A9?x=%20",
        "CONTENT_TYPE": "t/x",
        "CONTENT_LENGTH": "2",
        "HTTP_HOST": "a",
        "HTTP_X_A": "1,2",
        "REMOTE_ADDR": "192.0.2.7",
        "SERVER_NAME": "198.51.100.1",
        "SERVER_PORT": "443",
        "wsgi.url_scheme": "http",
    }
    assert {name: found[name] for name in wanted} == wanted
    assert found["wsgi.input"].read() == b"hi"
    assert environ(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", peer="")["REMOTE_ADDR"] == ""


def test_an_answer_and_its_length() -> None:
    octets = answer_of(app("200 OK", [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("Content-Length", "4")], [b"ab", b"cd"]), GET, True)
    head, _, body = octets.partition(b"\r\n\r\n")
    assert body == b"abcd"
    lines = head.split(b"\r\n")
    assert lines[0] == b"HTTP/1.1 200 OK"
    assert {b"Set-Cookie: a=1", b"Set-Cookie: b=2", b"Content-Length: 4", b"Connection: keep-alive"} <= set(lines)


@pytest.mark.parametrize(
    ("status", "method", "length"), [("200 OK", "HEAD", b"9"), ("204 No Content", "GET", b""), ("304 Not Modified", "GET", b"")]
)
def test_an_answer_without_a_body(status: str, method: str, length: bytes) -> None:
    octets = answer_of(app(status, [("Content-Length", "9")], [b"123456789"]), GET | {"REQUEST_METHOD": method}, False)
    assert octets.endswith(b"\r\n\r\n")
    assert (b"Content-Length: " + length in octets) == bool(length)
    assert b"Connection: close" in octets


@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: b=1", "a\nb", "a\rb", "a\0b", "\u20ac"])
def test_nobody_writes_a_header_through_another(value: str) -> None:
    with pytest.raises(ValueError, match=r"header|latin-1"):
        answer_of(app("200 OK", [("X-A", value)], []), GET, True)


def test_what_the_application_opened_is_closed() -> None:
    class Pieces(list[bytes]):
        closed = False

        def close(self) -> None:
            self.closed = True

    pieces = Pieces([b"a"])
    assert answer_of(app("200 OK", [], pieces), GET, True).endswith(b"\r\n\r\na")
    assert pieces.closed
