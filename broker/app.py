"""The Flask application: faces mounted on what they share."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol

from flask import Flask, Response, g, request

from broker.config import Config
from broker.errors import BrokerError
from broker.faces.oidc import blueprint as oidc
from broker.faces.pages import blueprint as pages
from broker.faces.upstream import blueprint as upstream
from broker.services import Services
from broker.system import metrics
from broker.web.install import install
from broker.web.tenancy import Tenancy


class Mountable(Protocol):
    """What the app needs of a wired broker."""

    @property
    def config(self) -> Config: ...

    @property
    def services(self) -> Services: ...


class Crossgate(Flask):
    """Flask, without the question whether each function is a coroutine: none of ours is, and it is asked eight times a request."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """The function as it is."""
        return func


def create_app(wired: Mountable) -> Flask:
    """An app for one process. Every request passes tenancy first, which knows its pool or refuses it."""
    app = Crossgate("crossgate", static_folder=None, template_folder=None)
    install(app, wired.services)
    for face in (oidc, upstream, pages):
        app.register_blueprint(face)
    _health(app, wired.services)
    _measure(app)
    server = wired.config.server
    app.wsgi_app = Tenancy(app.wsgi_app, wired.services.kit.settings, server.public_url, server.trusted_proxies)  # type: ignore[method-assign]
    return app


def _health(app: Flask, services: Services) -> None:
    @app.get("/healthz")
    def healthz() -> Response:
        """Alive: the process answers."""
        return Response("ok\n", content_type="text/plain")

    @app.get("/readyz")
    def readyz() -> Response:
        """Ready: the stores answer. A load balancer takes a worker out while they do not."""
        try:
            services.ready()
        except BrokerError:
            return Response("stores unreachable\n", status=503, content_type="text/plain", headers={"Retry-After": "2"})
        return Response("ready\n", content_type="text/plain")


def _measure(app: Flask) -> None:
    @app.before_request
    def begin() -> None:
        g.began = time.perf_counter()

    @app.after_request
    def end(response: Response) -> Response:
        seconds = time.perf_counter() - g.get("began", time.perf_counter())
        metrics.REQUESTS.labels(request.endpoint or "none", f"{response.status_code // 100}xx").observe(seconds)
        return response
