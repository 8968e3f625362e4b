"""Query and form are read by the letter: doubled, over-long, malformed and foreign ones are refused with a 4xx."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from broker.web import params
from tests.unit.web.conftest import MakeApp


@pytest.fixture
def client(make_app: MakeApp) -> Any:
    app: Flask = make_app()

    @app.get("/q")
    def q() -> dict[str, Any]:
        return {"a": params.query().single("a", 10)}

    @app.post("/f")
    def f() -> dict[str, Any]:
        return {"a": params.form().required("a", 10, lines=True)}

    @app.post("/big")
    def big() -> dict[str, Any]:
        return {"size": len(params.form(params.MAX_ACS_BODY).required("a", 400_000))}

    return app.test_client()


@pytest.mark.parametrize(
    ("query", "status", "value"),
    [
        ("a=1&b=2", 200, "1"),
        ("b=2", 200, None),
        ("a=", 200, None),
        ("a=%C3%A9", 200, "é"),
        ("a=x%2By+z", 200, "x+y z"),
        ("a=1&a=1", 400, None),
        ("a=1&%61=2", 400, None),
        ("a=12345678901", 400, None),
        ("a=%00", 400, None),
        ("a=1&b=%00", 400, None),
        ("a=%0d%0aX:1", 400, None),
        ("a=%ff", 400, None),
        ("&".join(f"x{n}=1" for n in range(101)), 400, None),
    ],
)
def test_query(client: Any, query: str, status: int, value: str | None) -> None:
    answer = client.get(f"/acme/q?{query}", base_url="https://id.example.test")
    assert answer.status_code == status
    if status == 200:
        assert answer.json == {"a": value}


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        ("a=1%0D%0A2", "application/x-www-form-urlencoded", 200),
        ("a=1", "application/x-www-form-urlencoded; charset=UTF-8", 200),
        ("a=1", "application/x-www-form-urlencoded; charset=utf-16", 400),
        ("a=1", "text/plain", 400),
        ("a=1", "multipart/form-data; boundary=x", 400),
        ("a=1", "", 400),
        ("", "application/x-www-form-urlencoded", 400),
        ("a=1&a=2", "application/x-www-form-urlencoded", 400),
        (b"a=\xff", "application/x-www-form-urlencoded", 400),
        (b"x" * 70_000, "application/x-www-form-urlencoded", 413),
        (b"a" * 10_000_000, "application/x-www-form-urlencoded", 413),
    ],
)
def test_form(client: Any, body: str | bytes, content_type: str, status: int) -> None:
    assert client.post("/acme/f", data=body, content_type=content_type, base_url="https://id.example.test").status_code == status


def test_the_acs_takes_more(client: Any) -> None:
    answer = client.post("/acme/big", data={"a": "x" * 250_000}, base_url="https://id.example.test")
    assert answer.json == {"size": 250_000}
    assert client.post("/acme/big", data={"a": "x" * 310_000}, base_url="https://id.example.test").status_code == 413
