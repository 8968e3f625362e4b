"""The demo's guard: what it tells the broker of a request, and what it keeps of a client's own words."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from werkzeug.test import Client

from broker.demo.reports import make_reports

PRINCIPAL = "arn:aws:sts::123456789012:assumed-role/marketing/CognitoIdentityCredentials"


class Broker(ThreadingHTTPServer):
    """Allows everything, and remembers what it was told."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Allowing)
        self.told: list[dict[str, str]] = []


class Allowing(BaseHTTPRequestHandler):
    server: Broker

    def do_GET(self) -> None:
        self.server.told.append({name.lower(): value for name, value in self.headers.items()})
        self.send_response(200)
        self.send_header("X-Crossgate-Principal", PRINCIPAL)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def broker() -> Iterator[Broker]:
    with Broker() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_the_guard_speaks_for_the_client_and_the_client_not_for_the_guard(broker: Broker) -> None:
    app = Client(make_reports(f"http://127.0.0.1:{broker.server_address[1]}/authorize"))
    claimed = {
        "Authorization": "AWS4-HMAC-SHA256 x",
        "X-Amz-Date": "20260101T000000Z",
        "X-Forwarded-Host": "other.example",
        "X-Forwarded-For": "10.0.0.1",
        "X-Forwarded-Proto": "https",
        "X-Original-URI": "/reports/sales",
        "X-Original-Method": "DELETE",
    }
    raw = "/reports/marketing?a=%2F"
    answer = app.get(raw, base_url="http://reports.example:8080", headers=claimed, environ_overrides={"RAW_URI": raw, "REMOTE_ADDR": "::1"})
    assert answer.get_json()["reader"]["principal"] == PRINCIPAL
    (told,) = broker.told
    assert (told["authorization"], told["x-amz-date"], told["host"]) == (
        "AWS4-HMAC-SHA256 x",
        "20260101T000000Z",
        "reports.example:8080",
    )
    assert (told["x-original-method"], told["x-original-uri"]) == ("GET", raw)
    assert (told["x-forwarded-for"], told["x-forwarded-proto"]) == ("::1", "http")
    assert "x-forwarded-host" not in told
