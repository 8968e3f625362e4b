"""The worker of `crossgate serve` against gunicorn's gthread and granian, on our own endpoints; also behind an upstream that blocks.

Two processes of four threads each.

The application is the broker's own, mounted by bench.mount; `/bench/slow` sleeps for 50 ms where a handler would wait for an upstream.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from bench import crossgate
from bench.client_credentials import token_request
from bench.hammer import Rate, hammer, request
from bench.party import CLIENT_ID, REDIRECT_URI, Party
from bench.results import Row, Run, median
from bench.server import Server, free_port

BIN = Path(sys.executable).parent
GUNICORN = ("gunicorn", "-w", "2", "--threads", "4", "-b", "127.0.0.1:{port}", "--no-control-socket", "-k")
KINDS = {
    "ours": [*GUNICORN, "broker.cli.turns.TurnWorker", "bench.mount:app"],
    "gthread": [*GUNICORN, "gthread", "bench.mount:app"],
    "granian": [
        *("granian", "--interface", "wsgi", "--workers", "2", "--blocking-threads", "4", "--no-ws"),
        *("--host", "127.0.0.1", "--port", "{port}", "bench.mount:app"),
    ],
}


def run(run: Run) -> list[Row]:
    """All on one prepared store, in turns."""
    party = Party.write(run.folder)
    folder = run.folder / "crossgate"
    with crossgate.serving(folder, party) as broker:
        broker.server.cpu()  # the store is migrated and the file applied; it serves no more
    endpoints = _endpoints()
    with ExitStack() as stack:
        servers = {kind: stack.enter_context(mounted(kind, folder)) for kind in KINDS}
        for octets, status, connections in endpoints.values():
            for server, port in servers.values():
                hammer(server, port, octets, connections=connections, seconds=run.times(4, 2), status=status)  # warms caches
        found: dict[tuple[str, str], list[Rate]] = {(kind, name): [] for kind in servers for name in endpoints}
        for _ in range(run.times(5, 2)):
            for name, (octets, status, connections) in endpoints.items():
                for kind, (server, port) in servers.items():
                    rate = hammer(server, port, octets, connections=connections, seconds=run.times(4, 2), status=status)
                    found[kind, name].append(rate)
    peers = [kind for kind in KINDS if kind != "ours"]
    return [row for name in endpoints for peer in peers for row in _rows(f"{name}, against {peer}", found["ours", name], found[peer, name])]


def _endpoints() -> dict[str, tuple[bytes, int, int]]:
    """By name: the request, the status that it wants, and how many connections send it."""
    query = {
        "response_type": "code",
        "client_id": CLIENT_ID,
        "redirect_uri": REDIRECT_URI,
        "scope": "openid",
        "state": "s" * 32,
        "nonce": "n" * 32,
        "code_challenge": "c" * 43,
        "code_challenge_method": "S256",
        "identity_provider": "idp0",
    }
    about = {"Host": urlsplit(crossgate.PUBLIC).netloc, "X-Forwarded-Proto": "https"}
    return {
        "client_credentials": (token_request(f"/{crossgate.POOL}/oauth2/token"), 200, 8),
        "authorize": (request("GET", f"/{crossgate.POOL}/oauth2/authorize?{urlencode(query)}", about), 303, 8),
        "50 ms blocking upstream": (request("GET", "/bench/slow", about), 200, 16),
    }


@contextmanager
def mounted(kind: str, folder: Path) -> Iterator[tuple[Server, int]]:
    """The broker on one of KINDS, over a store that `crossgate serve` has prepared in the folder: the server and its port."""
    port = free_port()
    program, *rest = [part.format(port=port) for part in KINDS[kind]]
    env = {"PYTHONPATH": str(Path(__file__).resolve().parents[1]), "BENCH_CONFIG": str(folder / "crossgate.toml")}
    ready = f"http://127.0.0.1:{port}/readyz"
    with Server(kind, [str(BIN / program), *rest], ready, folder, env) as server:
        yield server, port


def _rows(name: str, ours: list[Rate], peer: list[Rate]) -> list[Row]:
    mine, its = (median(rate.per_second for rate in rates) for rates in (ours, peer))
    cheap, dear = (median(rate.cpu_ms for rate in rates) for rates in (ours, peer))
    waits = [max(rate.worst_ms for rate in rates) for rates in (ours, peer)]
    return [
        Row(
            f"{name}: requests a second",
            f"{mine:.0f} (worst {waits[0]:.0f} ms)",
            f"{its:.0f} (worst {waits[1]:.0f} ms)",
            mine / its,
        ),
        Row(f"{name}: CPU a request", f"{cheap:.2f} ms", f"{dear:.2f} ms", cheap / dear),
    ]
