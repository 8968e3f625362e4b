"""Host and path to pool (OA-B7): only configured origins exist, and no header makes one."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Blueprint, Flask, request, url_for

from broker.errors import BrokerError, Unavailable
from broker.web import context
from broker.web.forwarded import Proxies
from broker.web.tenancy import origins_of
from tests.unit.web.conftest import ACME, BETA, MakeApp, PoolSettings


def mount(app: Flask) -> Any:
    @app.get("/healthz")
    @app.post("/")
    def bare() -> dict[str, Any]:
        return {"pool": context.pool_or_none() is not None}

    @app.route("/oauth2/authorize", methods=["GET", "POST"])
    def authorize() -> dict[str, Any]:
        return {
            "pool": context.pool().id,
            "base": context.base_url(),
            "self": url_for("authorize", _external=True),
            "client": context.client_address(),
            "forwarded": [name for name in request.environ if "FORWARDED" in name],
        }

    return app.test_client()


@pytest.mark.parametrize(
    ("host", "path", "pool", "base"),
    [
        ("id.example.test", "/acme/oauth2/authorize", "acme", "https://id.example.test/acme"),
        ("ID.example.test:443", "/eu-1_Beta/oauth2/authorize", "eu-1_Beta", "https://id.example.test/eu-1_Beta"),
        ("login.acme.test", "/oauth2/authorize", "acme", "https://login.acme.test"),
        ("login.acme.test:443", "/oauth2/authorize", "acme", "https://login.acme.test"),
    ],
)
def test_a_pool_is_found_by_path_and_by_host(make_app: MakeApp, host: str, path: str, pool: str, base: str) -> None:
    answer = mount(make_app()).get(path, headers={"Host": host})
    assert answer.status_code == 200
    assert answer.json["pool"] == pool
    assert answer.json["base"] == base
    assert answer.json["self"] == base + "/oauth2/authorize"


@pytest.mark.parametrize(
    ("host", "path", "status"),
    [
        ("evil.test", "/acme/oauth2/authorize", 421),
        ("id.example.test:8443", "/acme/oauth2/authorize", 421),
        ("id.example.test,evil.test", "/acme/oauth2/authorize", 400),
        ("id.example.test@evil.test", "/acme/oauth2/authorize", 400),
        ("", "/acme/oauth2/authorize", 400),
        ("id.example.test", "/nobody/oauth2/authorize", 404),
        ("id.example.test", "/closed/oauth2/authorize", 404),
        ("id.example.test", "/oauth2/authorize", 404),
        ("id.example.test", "//acme/oauth2/authorize", 404),
        ("login.acme.test", "/acme/oauth2/authorize", 404),
        ("id.example.test", "/", 404),
    ],
)
def test_what_is_not_ours_is_refused(make_app: MakeApp, host: str, path: str, status: int) -> None:
    answer = mount(make_app()).get(path, headers={"Host": host})
    assert answer.status_code == status
    assert b"evil" not in answer.data
    assert answer.headers["X-Request-Id"].encode() in answer.data


def test_a_request_target_in_absolute_form_is_refused(make_app: MakeApp) -> None:
    client = mount(make_app())
    answer = client.get(
        "/acme/oauth2/authorize", base_url="https://id.example.test", environ_overrides={"RAW_URI": "http://evil.test/acme/"}
    )
    assert answer.status_code == 400


def test_paths_without_a_pool(make_app: MakeApp) -> None:
    client = mount(make_app())
    assert client.get("/healthz", headers={"Host": "10.0.0.7:8080"}).json == {"pool": False}
    assert client.post("/", headers={"Host": "id.example.test"}).json == {"pool": False}
    assert client.get("/static/crossgate.css", headers={"Host": "id.example.test"}).status_code == 200
    assert client.get("/static/crossgate.css", headers={"Host": "login.acme.test"}).status_code == 200


def test_a_domain_shares_the_port_of_the_public_url(make_app: MakeApp) -> None:
    client = mount(make_app("http://127.0.0.1:8080"))
    answer = client.get("/oauth2/authorize", headers={"Host": "login.acme.test:8080"})
    assert answer.json["base"] == "http://login.acme.test:8080"
    assert client.get("/oauth2/authorize", headers={"Host": "login.acme.test:9999"}).status_code == 421


FORGED = {"X-Forwarded-For": "6.6.6.6, 203.0.113.9, 10.0.0.2", "X-Forwarded-Host": "login.acme.test", "X-Forwarded-Proto": "http"}


def test_forwarded_headers_count_from_a_trusted_proxy_only(make_app: MakeApp) -> None:
    honest = mount(make_app(trusted=("10.0.0.0/8",))).get(
        "/oauth2/authorize", headers={"Host": "internal", **FORGED}, environ_overrides={"REMOTE_ADDR": "10.0.0.1"}
    )
    assert honest.json["pool"] == "acme"
    assert honest.json["client"] == "203.0.113.9", "the right-most that is not a proxy of ours, not what the client wrote"
    assert honest.json["base"] == "https://login.acme.test", "the scheme is configured, not forwarded"
    assert honest.json["forwarded"] == []

    forged = mount(make_app()).get(
        "/acme/oauth2/authorize", headers={"Host": "id.example.test", **FORGED}, environ_overrides={"REMOTE_ADDR": "198.51.100.1"}
    )
    assert forged.json["client"] == "198.51.100.1"
    assert forged.json["base"] == "https://id.example.test/acme"
    assert forged.json["forwarded"] == []


@pytest.mark.parametrize(
    ("peer", "header", "client"),
    [
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "garbage", "10.0.0.1"),
        ("10.0.0.1", "garbage, 198.51.100.7:5555", "198.51.100.7"),
        ("10.0.0.1", "[2001:db8::1]:443", "2001:db8::1"),
        ("::ffff:10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("", "198.51.100.7", ""),
    ],
)
def test_client_addresses(peer: str, header: str, client: str) -> None:
    environ: dict[str, Any] = {"REMOTE_ADDR": peer, "HTTP_X_FORWARDED_FOR": header, "HTTP_HOST": "a"}
    assert Proxies(["10.0.0.0/8"]).strip(environ).address == client


def test_a_unix_socket_can_be_trusted() -> None:
    assert Proxies(["unix"]).strip({"REMOTE_ADDR": "", "HTTP_X_FORWARDED_FOR": "198.51.100.7"}).address == "198.51.100.7"


def test_addresses_of_a_pool() -> None:
    assert origins_of(BETA, "https://id.example.test") == ("https://id.example.test/eu-1_Beta",)
    assert origins_of(ACME, "https://id.example.test") == ("https://login.acme.test", "https://id.example.test/acme")


def test_while_the_stores_are_away_the_face_that_was_asked_answers(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise Unavailable("the database is away")

    monkeypatch.setattr(PoolSettings, "pool", away)
    app = make_app()
    face = Blueprint("face", __name__)
    face.add_url_rule("/oauth2/token", "token", lambda: "never", methods=["POST"])
    face.register_error_handler(BrokerError, lambda _: ({"error": "temporarily_unavailable"}, 503))
    app.register_blueprint(face)
    answer = app.test_client().post("/acme/oauth2/token", headers={"Host": "id.example.test"})
    assert (answer.status_code, answer.json) == (503, {"error": "temporarily_unavailable"})
    assert answer.headers["Retry-After"] == "2"
