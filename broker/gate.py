"""In another program: `Gate.open("crossgate.toml")` judges requests as `/authorize` does, without a server between, bodies included.

    gate = Gate.open("/etc/crossgate.toml")
    app = gate.wsgi(app)            # or gate.asgi(app)
    verdict = gate.authorize("GET", "https://reports.example.com/reports/marketing/q1", headers)

It needs the broker's configuration, its master key and its database, of which it reads settings alone, once a second at most.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from broker.config import Config, load, protected_services
from broker.faces.authorize.middleware import MOST_BODY, AsgiGuard, WsgiGuard
from broker.flows.access_kit import AccessKit
from broker.flows.protect import Asked, Verdict, authorize_request
from broker.sigv4 import SignedRequest
from broker.web.forwarded import Proxies
from broker.wiring import build


class Gate:
    """Safe for threads. Open one a process, after a fork."""

    def __init__(self, kit: AccessKit, config: Config) -> None:
        self._kit = kit
        self._services = protected_services(config)
        self._proxies = Proxies(config.server.trusted_proxies)

    @classmethod
    def open(cls, path: str | Path) -> Gate:
        """Raises ConfigProblems (a ConfigError) if the file cannot be used."""
        config = load(path)
        return cls(build(config).services.access.kit, config)

    def authorize(
        self, method: str, url: str, headers: Iterable[tuple[str, str]], body: bytes | None = None, *, address: str = ""
    ) -> Verdict:
        """Judge a request to a `[[protected_service]]`. `url` is as the client sent it, not decoded; `body` None: it was not seen.

        Never raises for a bad request. Raises Unavailable if the settings cannot be read.
        """
        scheme, _, rest = url.partition("://")
        target, _, query = rest.partition("?")
        host, slash, path = target.partition("/")
        request = SignedRequest(method, slash + path or "/", query, tuple(headers), body)
        return self.judge(Asked(host, request, address, scheme.lower() == "https"))

    def judge(self, asked: Asked) -> Verdict:
        """The same for a request that is taken apart already."""
        return authorize_request(self._kit, self._services, asked)

    def wsgi(self, app: Any, most_body: int = MOST_BODY) -> WsgiGuard:
        """A WSGI app that only allowed requests reach."""
        return WsgiGuard(app, self.judge, self._proxies, most_body)

    def asgi(self, app: Any, most_body: int = MOST_BODY) -> AsgiGuard:
        """An ASGI app that only allowed requests reach."""
        return AsgiGuard(app, self.judge, self._proxies, most_body)
