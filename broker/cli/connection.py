"""One client's connection: gathers whole requests without ever waiting, and gives answers away as fast as the client takes them.

A request comes to a thread only when all of it is here, so nobody who is slow, or silent, or stops in the middle, holds a thread.
What the head means, gunicorn's parser says, which is strict about everything that proxies and servers have been set at odds with.
"""

from __future__ import annotations

import socket
import ssl
from typing import Any

from gunicorn.config import Config
from gunicorn.http.body import ChunkedReader
from gunicorn.http.errors import InvalidChunkSize, LimitRequestHeaders
from gunicorn.http.message import Request
from gunicorn.http.unreader import Unreader

from broker.cli.chunks import Chunked
from broker.web.params import MAX_ACS_BODY

SILENCE_SECONDS = 10.0  # between two pieces of a request, and before the first
REQUEST_SECONDS = 30.0  # for head and body together: one byte now and then is no request
ANSWER_SECONDS = 30.0
LINGER_SECONDS = 2.0
MOST_HEAD = 64 * 1024
# The longest that any endpoint takes. Of a longer one the endpoint sees only that it is too long.
MOST_BODY = MAX_ACS_BODY
PIECE = 64 * 1024
HEAD_END = b"\r\n\r\n"
NEVER = float("inf")


class Head(Unreader):  # type: ignore[misc]
    """The octets of one head, for gunicorn's parser; there is nothing behind them."""

    def __init__(self, octets: bytes) -> None:
        super().__init__()
        self._octets = octets

    def chunk(self, size_hint: int | None = None) -> bytes:
        """All of it, once."""
        octets, self._octets = self._octets, b""
        return octets


class Outbox:
    """What gunicorn's words for a bad request are written to."""

    __slots__ = ("_pieces",)

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def sendall(self, data: bytes) -> None:
        """Keep it."""
        self._pieces.append(data)

    def gettimeout(self) -> float:
        """A socket that never waits."""
        return 0.0

    def octets(self) -> bytes:
        """Everything so far."""
        return b"".join(self._pieces)


class Connection:
    """`deadline` is when it is closed unless something happens; `held` is the memory that its request takes, in octets.

    Its methods are called by one thread at a time: whose turn it is, or, while `busy`, whoever answers the request.
    """

    __slots__ = (
        *("busy", "deadline", "held", "kept", "leaving", "muted", "out", "peer", "request", "server", "shaking", "sock", "writing"),
        *("_body", "_chunked", "_looked", "_until", "_wire"),
    )

    def __init__(self, sock: socket.socket, peer: Any, server: Any, now: float) -> None:
        self.sock, self.peer, self.server = sock, peer, server
        self.deadline = now + SILENCE_SECONDS
        self.shaking = isinstance(sock, ssl.SSLSocket)
        self.busy = self.muted = self.writing = self.leaving = self.kept = False
        self.out = memoryview(b"")
        self._wire = bytearray()
        self._until = now + REQUEST_SECONDS
        self._clear()

    def _clear(self) -> None:
        self.request: Any = None
        self.held = self._looked = 0
        self._body = b""
        self._chunked: Chunked | None = None

    @property
    def idle(self) -> bool:
        """Between two requests, or before the first."""
        return not (self.busy or self._wire or self.request or self.out or self.leaving)

    @property
    def body(self) -> bytes:
        """The request's body, decoded."""
        return self._body

    def shake(self) -> bool:
        """Go on with the TLS handshake. True once it is done. Raises OSError, of which SSLWantReadError only means: later."""
        assert isinstance(self.sock, ssl.SSLSocket)
        self.sock.do_handshake()
        self.shaking = False
        return True

    def receive(self, now: float) -> bool:
        """Read what is there. False once the other side has ended. Raises OSError."""
        sock, wire = self.sock, self._wire
        if not wire and self.request is None:
            self._until = now + REQUEST_SECONDS
        more = True
        while more:
            try:
                piece = sock.recv(PIECE)
            except (BlockingIOError, InterruptedError, ssl.SSLWantReadError):
                return True
            except ssl.SSLEOFError:
                return False
            if not piece:
                return False
            wire += piece
            self.held += len(piece)
            self.deadline = min(now + SILENCE_SECONDS, self._until)
            # What TLS has decrypted already, no poller tells of.
            more = isinstance(sock, ssl.SSLSocket) and sock.pending() > 0
        return True

    def gathered(self, cfg: Config) -> bool:
        """Whether a whole request is here. Raises gunicorn's errors for one that is none."""
        if self.request is None and not self._read_head(cfg):
            return False
        length = self._length()
        if self._chunked is not None:
            whole = self._feed(self._chunked)
            # Past the limit it is given on as it is, for the endpoint to refuse in its own words.
            if not whole and len(self._chunked.body) <= MOST_BODY:
                return False
            self._body = bytes(self._chunked.body)
        elif length > MOST_BODY:
            whole = False
        elif len(self._wire) < length:
            return False
        else:
            whole = True
            self._body = bytes(self._wire[:length])
            del self._wire[:length]
        if not whole:
            self.request.force_close()
        return True

    def _read_head(self, cfg: Config) -> bool:
        wire = self._wire
        end = wire.find(HEAD_END, max(0, self._looked - 3))
        self._looked = len(wire)
        if end < 0:
            if len(wire) > MOST_HEAD:
                raise LimitRequestHeaders("max buffer headers")
            if wire.count(b"\n") == wire.count(b"\r\n"):
                return False
            end = len(wire)  # a bare line feed: this head will never end as it should, and the parser says so
        head = bytes(wire[: end + 4])
        self.request = Request(cfg, Head(head), self.peer)
        del wire[: end + 4]
        if isinstance(self.request.body.reader, ChunkedReader):
            self._chunked = Chunked()
        waits = self._chunked is not None or len(wire) < self._length() <= MOST_BODY
        if waits and any(name == "EXPECT" for name, _ in self.request.headers):
            self.sock.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        return True

    def _length(self) -> int:
        return 0 if self._chunked is not None else int(self.request.body.reader.length)

    def _feed(self, chunked: Chunked) -> bool:
        try:
            return chunked.feed(self._wire)
        except ValueError as wrong:
            raise InvalidChunkSize(str(wrong).encode()) from None

    def answer(self, octets: bytes, keep: bool) -> None:
        """Send what the other side takes at once; the rest stays in `out`."""
        self.kept = keep
        self.out = memoryview(octets)
        self.flush()

    def flush(self) -> None:
        """Send more of it. A client that has gone is nobody's error: there is nothing left to say, and no reason to keep it."""
        try:
            while self.out:
                self.out = self.out[self.sock.send(self.out) :]
        except (BlockingIOError, InterruptedError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
            return
        except OSError:
            self.out = memoryview(b"")
            self.kept = False

    def next_request(self, now: float, keepalive: float) -> bool:
        """Make ready for another request. True if some of it has come already."""
        self._clear()
        self.held = len(self._wire)
        self._until = now + REQUEST_SECONDS
        self.deadline = now + (SILENCE_SECONDS if self._wire else keepalive)
        return bool(self._wire)

    def leave(self, now: float) -> None:
        """Say that nothing more comes, and wait a little for the other side to have read it: closing at once could take the answer back."""
        self.leaving = True
        self.deadline = now + LINGER_SECONDS
        self._wire.clear()
        self._clear()
        self.sock.shutdown(socket.SHUT_WR)

    def discard(self) -> bool:
        """Read past whatever still comes. False at the end of it. Raises OSError."""
        try:
            return bool(self.sock.recv(PIECE))
        except (BlockingIOError, InterruptedError, ssl.SSLWantReadError):
            return True
