"""How long the web workers wait for whoever has connected: a thread is lent to a sender, never given.

gunicorn's threads wait for a TLS handshake, for headers and for bodies without any end, and for a first byte for seconds, so that as
many silent connections as there are threads would stop a worker.
"""

from __future__ import annotations

import errno
import socket
import ssl
import time
from collections.abc import Callable
from functools import partial
from selectors import EVENT_READ
from typing import Any, TypeVar

from gunicorn.workers.gthread import ThreadWorker

T = TypeVar("T")
SILENCE_SECONDS = 10.0  # between two pieces of a request, and before the first
REQUEST_SECONDS = 30.0  # for handshake, headers and body together: one byte now and then is no request
ANSWER_SECONDS = 30.0


class PatientSocket(socket.socket):
    """Where gunicorn asks for a socket that waits for ever, this one waits for so long. It then says `reset`, which is nobody's error."""

    _until = float("inf")

    def setblocking(self, flag: bool, /) -> None:
        """gunicorn calls it when a thread takes the connection up, which is when the request's time begins."""
        self._until = time.monotonic() + REQUEST_SECONDS
        self.settimeout(SILENCE_SECONDS if flag else 0.0)

    def recv(self, bufsize: int = 1024, flags: int = 0, /) -> bytes:
        """As ever, within the request's time. gunicorn's own shorter waits (and none at all) stay as they are."""
        patience = self.gettimeout()
        if not patience:
            return super().recv(bufsize, flags)
        left = min(patience, self._until - time.monotonic())
        return self._within(left, lambda: super(PatientSocket, self).recv(bufsize, flags))

    def sendall(self, data: Any, flags: int = 0, /) -> None:
        """As ever, for somebody who takes it."""
        self._within(ANSWER_SECONDS, lambda: super(PatientSocket, self).sendall(data, flags))

    def _within(self, seconds: float, step: Callable[[], T]) -> T:
        before = self.gettimeout()
        try:
            if seconds <= 0:
                raise TimeoutError
            self.settimeout(seconds)
            return step()
        except TimeoutError:
            raise ConnectionResetError(errno.ECONNRESET, "the other side is too slow") from None
        finally:
            if self.fileno() != -1:
                self.settimeout(before)


class PatientTlsSocket(PatientSocket, ssl.SSLSocket):
    """The same under TLS."""

    def do_handshake(self, block: bool = False) -> None:
        """Within the time that a silence may last."""
        self.setblocking(True)
        self._within(SILENCE_SECONDS, lambda: super(PatientTlsSocket, self).do_handshake(block))


def tls_context(_config: object, default: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
    """gunicorn's own, whose sockets are patient."""
    context = default()
    context.sslsocket_class = PatientTlsSocket
    return context


class PatientWorker(ThreadWorker):  # type: ignore[misc]
    """gunicorn's worker of threads, none of which waits for a connection that has not said anything."""

    def enqueue_req(self, conn: Any) -> None:
        """A new connection waits beside the kept ones until it speaks, and is closed if it does not."""
        if conn.initialized or conn.data_ready:
            super().enqueue_req(conn)
            return
        conn.sock = PatientSocket(fileno=conn.sock.detach())
        conn.sock.setblocking(False)
        conn.timeout = time.monotonic() + SILENCE_SECONDS
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, EVENT_READ, partial(self.on_pending_socket_readable, conn))

    def set_accept_enabled(self, enabled: bool) -> None:
        """gunicorn holds the port open until the last request is answered, and lets connections queue up that nobody will take."""
        super().set_accept_enabled(enabled)
        if not self.alive:
            for listener in self.sockets:
                listener.close()

    def handle(self, conn: Any) -> Any:
        """In a thread. What is to be closed lingers here: gunicorn would let the loop, and so everybody, wait for the other side."""
        kept = super().handle(conn)
        if kept is False:
            conn.close(graceful=True)
            conn.close = lambda graceful=False: None
        return kept
