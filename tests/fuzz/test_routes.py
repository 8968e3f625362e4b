"""No route escapes the fuzz: its list is the application's own."""

from __future__ import annotations

from pathlib import Path

from broker.app import create_app
from broker.config import loads
from broker.wiring import build
from tests.fuzz.routes import ROUTES

# Flask's own, and the answers to preflights, which read nothing.
IMPLIED = {"HEAD", "OPTIONS"}


def test_every_route_is_fuzzed(tmp_path: Path) -> None:
    config = loads('[server]\npublic_url = "http://localhost:8080"\n', tmp_path / "crossgate.toml")
    routed = {
        f"{method} {rule.rule}" for rule in create_app(build(config)).url_map.iter_rules() for method in (rule.methods or set()) - IMPLIED
    }
    assert {route.name for route in ROUTES} == routed
