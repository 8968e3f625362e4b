"""A small Flask app with everything of `broker.web` in it, over two pools."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from broker.model.settings import Branding, UserPool
from broker.web.install import install
from broker.web.tenancy import Tenancy

ACME = UserPool(id="acme", name="Acme", domain="login.acme.test", branding=Branding(accent="#0a7d4f"))
BETA = UserPool(id="eu-1_Beta", name="Beta")
CLOSED = UserPool(id="closed", name="Closed", enabled=False)


class PoolSettings:
    """The two questions that tenancy asks."""

    def __init__(self, *pools: UserPool) -> None:
        self.pools = pools

    def pool(self, pool_id: str) -> UserPool | None:
        return next((pool for pool in self.pools if pool.id == pool_id), None)

    def pool_by_host(self, host: str) -> UserPool | None:
        return next((pool for pool in self.pools if pool.domain == host), None)


MakeApp = Callable[..., Flask]


@pytest.fixture
def make_app() -> MakeApp:
    """Make an app: `make_app(public_url, trusted_proxies)`."""

    def make(public_url: str = "https://id.example.test", trusted: tuple[str, ...] = (), services: Any = None) -> Flask:
        app = Flask("crossgate-test", static_folder=None)
        install(app, services)
        settings: Any = PoolSettings(ACME, BETA, CLOSED)
        app.wsgi_app = Tenancy(app.wsgi_app, settings, public_url, trusted)  # type: ignore[method-assign]
        return app

    return make
