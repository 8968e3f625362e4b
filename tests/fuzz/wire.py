"""HTTP by hand: no library would send what must be tried."""

from __future__ import annotations

import contextlib
import http.client
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import quote_from_bytes

from tests.fuzz.values import Raw

SECONDS = 20
Pairs = list[tuple[str, bytes]]


@dataclass
class Letter:
    """A request before it is written down. `form` None: no body. `path` is written as it is."""

    method: str
    path: bytes
    query: Pairs = field(default_factory=list)
    form: Pairs | None = None
    headers: Pairs = field(default_factory=list)
    cookies: Pairs = field(default_factory=list)

    def written(self) -> tuple[bytes, bytes]:
        """Head and body. What the headers already say about length or cookies stays as it is."""
        body = encode(self.form) if self.form is not None else b""
        target = self.path + (b"?" + encode(self.query) if self.query else b"")
        said = {name.lower() for name, _ in self.headers}
        headers = list(self.headers)
        if self.cookies and "cookie" not in said:
            headers.append(("Cookie", b"; ".join(name.encode() + b"=" + value for name, value in self.cookies)))
        if self.form is not None and "content-length" not in said and "transfer-encoding" not in said:
            headers.append(("Content-Length", str(len(body)).encode()))
        lines = b"".join(name.encode() + b": " + value + b"\r\n" for name, value in headers)
        return b"%s %s HTTP/1.1\r\n%sConnection: close\r\n\r\n" % (self.method.encode(), target, lines), body


def encode(pairs: Iterable[tuple[str, bytes]]) -> bytes:
    """A query or form; Raw values are left as they are."""

    def quoted(value: bytes) -> bytes:
        return value if isinstance(value, Raw) else quote_from_bytes(value).encode()

    return b"&".join(name.encode() + b"=" + quoted(value) for name, value in pairs)


@dataclass
class Answer:
    """What came back; status 0 if the connection ended without an answer, -1 if nothing came in time."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    seconds: float = 0.0


def send(port: int, letter: Letter) -> Answer:
    """Send it and read the answer, even if the server stops listening half-way."""
    head, body = letter.written()
    began = time.monotonic()
    with contextlib.closing(socket.create_connection(("127.0.0.1", port), SECONDS)) as connection:
        connection.settimeout(SECONDS)
        with contextlib.suppress(OSError):  # it may have hung up already
            connection.sendall(head)
            connection.sendall(body)
            connection.shutdown(socket.SHUT_WR)
        reply = http.client.HTTPResponse(connection, method=letter.method)
        try:
            reply.begin()
            content = reply.read()
        except TimeoutError:
            return Answer(-1, seconds=time.monotonic() - began)
        except (OSError, http.client.HTTPException):
            return Answer(0, seconds=time.monotonic() - began)
        finally:
            reply.close()
        headers = {name.lower(): value for name, value in reply.getheaders()}
        return Answer(reply.status, headers, content, time.monotonic() - began)
