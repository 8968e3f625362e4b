"""The Flask application: faces mounted on what they share."""

from __future__ import annotations

import time
from functools import cache
from typing import Protocol

from flask import Flask, Response
from flask.globals import request_ctx
from prometheus_client import Histogram

from broker.config import Config, protected_services
from broker.errors import BrokerError
from broker.faces.authorize.wsgi import AuthorizeApp, Doors
from broker.faces.aws.blueprint import blueprint as aws
from broker.faces.identity import blueprint as identity
from broker.faces.oidc import blueprint as oidc
from broker.faces.oidc.direct import TokenEndpoint
from broker.faces.pages import blueprint as pages
from broker.faces.upstream import blueprint as upstream
from broker.services import Services
from broker.system import metrics
from broker.web.install import install
from broker.web.lean import LeanFlask
from broker.web.tenancy import Tenancy


class Mountable(Protocol):
    """What the app needs of a wired broker."""

    @property
    def config(self) -> Config: ...

    @property
    def services(self) -> Services: ...


class Measured(LeanFlask):
    """It tells Prometheus how long each endpoint takes."""

    def full_dispatch_request(self) -> Response:
        request = request_ctx.request
        began = request.environ.get("crossgate.began") or time.perf_counter()
        response = super().full_dispatch_request()
        rule = request.url_rule
        observe(rule.endpoint if rule is not None else "none", response.status_code, time.perf_counter() - began)
        return response


def observe(endpoint: str, status: int, seconds: float) -> None:
    """Tell Prometheus."""
    _clock(endpoint, status // 100).observe(seconds)


@cache
def _clock(endpoint: str, status_class: int) -> Histogram:
    return metrics.REQUESTS.labels(endpoint, f"{status_class}xx")


def create_app(wired: Mountable) -> Flask:
    """An app for one process. Every request passes tenancy first, which knows its pool or refuses it."""
    app = Measured("crossgate", static_folder=None, template_folder=None)
    app.wsgi_app = TokenEndpoint(app.wsgi_app, wired.services, observe)  # type: ignore[method-assign]
    install(app, wired.services)
    for face in (oidc, upstream, pages, aws, identity):
        app.register_blueprint(face)
    _health(app, wired.services)
    server = wired.config.server
    app.wsgi_app = Tenancy(app.wsgi_app, wired.services.kit.settings, server.public_url, server.trusted_proxies)  # type: ignore[method-assign]
    if wired.config.authorize.bind:
        asked = AuthorizeApp(wired.services.access.kit, protected_services(wired.config), server.trusted_proxies)
        app.wsgi_app = Doors(app.wsgi_app, asked, wired.config.authorize.bind.rpartition(":")[2])  # type: ignore[method-assign]
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
