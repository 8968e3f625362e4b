"""One request, or a few in turn, over and over, on kept connections: how many a second, and at what CPU.

Bare sockets, so that the client costs little.
"""

from __future__ import annotations

import itertools
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bench.results import median
from bench.server import Server


@dataclass(frozen=True)
class Rate:
    """Requests a second, milliseconds of server CPU a request (the whole process tree), and the median and worst wait in milliseconds."""

    per_second: float
    cpu_ms: float
    median_ms: float
    worst_ms: float


@dataclass
class _Count:
    waits: list[float] = field(default_factory=list)
    wrong: str = ""


def request(method: str, target: str, headers: Mapping[str, str], body: str = "") -> bytes:
    """The octets of an HTTP/1.1 request."""
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), f"Content-Length: {len(body)}"]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def hammer(
    server: Server, port: int, octets: bytes | Sequence[bytes], *, connections: int = 8, seconds: float = 4, status: int = 200
) -> Rate:
    """Send it on so many connections for so long, or several in turn. Raises RuntimeError at the first answer with another status."""
    turns = [octets] if isinstance(octets, bytes) else list(octets)
    counts = [_Count() for _ in range(connections)]
    stop = time.monotonic() + seconds
    starts = [turns[number % len(turns) :] + turns[: number % len(turns)] for number in range(connections)]
    wanted = b"HTTP/1.1 %d " % status
    threads = [
        threading.Thread(target=_client, args=(port, start, wanted, stop, count)) for start, count in zip(starts, counts, strict=True)
    ]
    cpu, started = server.cpu(), time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wrong = next((count.wrong for count in counts if count.wrong), "")
    if wrong:
        raise RuntimeError(f"{server.name}: {wrong}")
    waits = [wait for count in counts for wait in count.waits]
    taken = time.monotonic() - started
    return Rate(len(waits) / taken, (server.cpu() - cpu) * 1000 / len(waits), median(waits) * 1000, max(waits) * 1000)


def _client(port: int, turns: Sequence[bytes], wanted: bytes, stop: float, count: _Count) -> None:
    connection: socket.socket | None = None
    for octets in itertools.cycle(turns):
        if (now := time.monotonic()) >= stop:
            break
        if connection is None:
            connection = socket.create_connection(("127.0.0.1", port), 30)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(octets)
        answer = _answer(connection)
        if not answer:  # the server closed an idle connection
            connection.close()
            connection = None
            continue
        if not answer.startswith(wanted):
            count.wrong = answer[:300].decode("latin-1")
            break
        count.waits.append(time.monotonic() - now)
        if b"connection: close" in answer.partition(b"\r\n\r\n")[0].lower():
            connection.close()
            connection = None
    if connection is not None:
        connection.close()


def _answer(connection: socket.socket) -> bytes:
    """Head and body; the body by its Content-Length."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return b""
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    length = next((int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
    while len(body) < length:
        more = connection.recv(65536)
        if not more:
            break
        body += more
    return head + b"\r\n\r\n" + body
