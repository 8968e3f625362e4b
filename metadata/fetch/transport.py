"""Connections to one vetted address, under one deadline. The name is for SNI, the certificate and the Host header only."""

from __future__ import annotations

import logging
import os
import socket
import ssl
import threading
import time
from contextvars import ContextVar
from typing import Any, cast

import certifi
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

# At DEBUG it writes request targets, and an upstream may want a secret in the query.
logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)

# A kept connection that has been idle longer may have been closed by the other side; a POST must not find out.
IDLE_SECONDS = 4.0

_deadline: ContextVar[float] = ContextVar("fetch_deadline")


class Deadline:
    """From entering it to leaving it, no socket of this thread waits beyond `seconds` in total."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def __enter__(self) -> None:
        self._token = _deadline.set(time.monotonic() + self._seconds)

    def __exit__(self, *_: object) -> None:
        _deadline.reset(self._token)


def seconds_left() -> float:
    """What remains of the deadline. Raises TimeoutError if nothing does."""
    left = _deadline.get() - time.monotonic()
    if left <= 0:
        raise TimeoutError("total deadline passed")
    return left


def _shorten(sock: socket.socket) -> None:
    """Let the next read wait no longer than the deadline allows. A sender of one byte a second (OA-R5.6) is cut here."""
    current, left = sock.gettimeout(), seconds_left()
    if current is None or current > left:
        sock.settimeout(left)


class _Socket(socket.socket):
    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        _shorten(self)
        return super().recv_into(*args, **kwargs)


class _TlsSocket(ssl.SSLSocket):
    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        _shorten(self)
        return super().recv_into(*args, **kwargs)


class _Vetted:
    """What both kinds of connection share. `host` is the vetted address: no second look-up, so no rebinding (OA-R5.8)."""

    _used = 0.0

    def _new_conn(self: Any) -> socket.socket:
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        self._used = time.monotonic()
        sock = _Socket(family, socket.SOCK_STREAM)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.settimeout(min(self.timeout, seconds_left()))
            sock.connect((self.host, self.port))
        except TimeoutError as e:
            sock.close()
            raise ConnectTimeoutError(self, "too slow to connect") from e
        except OSError as e:
            sock.close()
            raise NewConnectionError(self, "cannot connect") from e
        return sock

    def getresponse(self) -> Any:
        self._used = time.monotonic()
        return super().getresponse()  # type: ignore[misc]

    @property
    def is_connected(self) -> bool:
        idle = time.monotonic() - self._used
        return idle < IDLE_SECONDS and cast(bool, super().is_connected)  # type: ignore[misc]


class _Http(_Vetted, HTTPConnection):
    pass


class _Https(_Vetted, HTTPSConnection):
    pass


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _Http


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _Https


def tls_context(ca_file: str | None) -> ssl.SSLContext:
    """Certificates of the public CAs and of `ca_file`; TLS 1.2 at least; names checked. Raises OSError, ssl.SSLError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(cafile=certifi.where())
    if ca_file:
        context.load_verify_locations(cafile=ca_file)
    context.set_alpn_protocols(["http/1.1"])
    context.sslsocket_class = _TlsSocket
    return context


class Pools:
    """Kept connections, by scheme, host, port and vetted address. Emptied in a forked child: it must not share sockets."""

    def __init__(self, ca_file: str | None, size: int = 256) -> None:
        self._ca_file, self._size = ca_file, size
        self._lock = threading.Lock()
        self._context: ssl.SSLContext | None = None
        self._pools: dict[tuple[str, str, int, str], HTTPConnectionPool] = {}
        self._pid = os.getpid()

    def pool(self, scheme: str, host: str, port: int, address: str) -> HTTPConnectionPool:
        """The pool of connections to this address that speak as if to this host."""
        with self._lock:
            if self._pid != os.getpid():
                self._pools, self._pid = {}, os.getpid()
            key = (scheme, host, port, address)
            pool = self._pools.get(key)
            if pool is None:
                if len(self._pools) >= self._size:
                    self._pools.pop(next(iter(self._pools))).close()
                pool = self._pools[key] = self._make(*key)
            return pool

    def close(self) -> None:
        """Close what is idle."""
        with self._lock:
            for pool in self._pools.values():
                pool.close()
            self._pools = {}

    def _make(self, scheme: str, host: str, port: int, address: str) -> HTTPConnectionPool:
        if scheme == "http":
            return _HttpPool(address, port, maxsize=4)
        if self._context is None:
            self._context = tls_context(self._ca_file)
        return _HttpsPool(
            address,
            port,
            maxsize=4,
            ssl_context=self._context,
            server_hostname=host,
        )
