"""client_credentials with an ES256 JWT: requests a second of one process, beside npm oidc-provider."""

from __future__ import annotations

import base64
from contextlib import ExitStack
from urllib.parse import urlsplit

from bench import crossgate
from bench.hammer import Rate, hammer, request
from bench.party import CLIENT_SECRET, Party
from bench.peers import oidc_provider
from bench.results import Row, Run, median
from bench.server import Server

BODY = "grant_type=client_credentials&scope=https%3A%2F%2Fapi.example%2Fread"


def token_request(target: str) -> bytes:
    """The request, as a proxy that ended TLS passes it on."""
    basic = base64.b64encode(f"machine:{CLIENT_SECRET}".encode()).decode()
    headers = {
        "Host": urlsplit(crossgate.PUBLIC).netloc,
        "X-Forwarded-Proto": "https",
        "X-Forwarded-For": "192.0.2.1",
        "Authorization": f"Basic {basic}",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    return request("POST", target, headers, BODY)


def run(run: Run) -> list[Row]:
    """One worker of ours against one node process, in turns."""
    party = Party.write(run.folder)
    with ExitStack() as stack:
        ours = stack.enter_context(crossgate.serving(run.folder / "crossgate", party, size=(1, 4)))
        theirs, port = stack.enter_context(oidc_provider.serving(run.home, run.folder))
        servers: dict[str, tuple[Server, int, bytes]] = {
            "crossgate": (ours.server, int(ours.connect.partition(":")[2]), token_request(f"/{crossgate.POOL}/oauth2/token")),
            "oidc-provider": (theirs, port, token_request("/token")),
        }
        for server, at, octets in servers.values():
            hammer(server, at, octets, seconds=2)
        found: dict[str, list[Rate]] = {name: [] for name in servers}
        for _ in range(run.times(5, 2)):
            for name, (server, at, octets) in servers.items():
                found[name].append(hammer(server, at, octets, seconds=run.times(4, 2)))
    rates = {name: median(rate.per_second for rate in all_of) for name, all_of in found.items()}
    costs = {name: median(rate.cpu_ms for rate in all_of) for name, all_of in found.items()}
    us, them = "crossgate", "oidc-provider"
    return [
        Row("requests a second of one process", f"{rates[us]:.0f}", f"{rates[them]:.0f}", rates[us] / rates[them], ">= 0.8"),
        Row("the CPU of one request", f"{costs[us]:.2f} ms", f"{costs[them]:.2f} ms", costs[us] / costs[them]),
    ]
