"""Cookies and form tokens (rows OA-B2 to OA-B6, OA-B12)."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask, Response

from broker.errors import LoginExpired
from broker.web import cookies, csrf
from broker.web.params import Params
from tests.unit.web.conftest import MakeApp

HTTPS = "https://id.example.test/acme"
HTTP = "http://127.0.0.1:8080/acme"


def inside(app: Flask, cookie: str = "", base: str = HTTPS, **more: Any) -> Any:
    """A request context as tenancy would have made it."""
    from tests.unit.web.conftest import ACME

    overrides = {"crossgate.pool": ACME, "crossgate.base_url": base, "HTTP_COOKIE": cookie}
    return app.test_request_context("/login", base_url=base, environ_overrides=overrides, **more)


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("__Host-cg-session.acme=s.1", "s.1"),
        ("a=b; __Host-cg-session.acme=s.1; c=d", "s.1"),
        ("cg-session.acme=tossed", None),
        ("__Host-cg-session.eu-1_Beta=other", None),
        ("\u00a0__Host-cg-session.acme=s", None),
        ("\u0085__Host-cg-session.acme=s", None),
        ('$Version=1; "__Host-cg-session.acme"=s', None),
        ("=__Host-cg-session.acme=s", None),
        ("__Host-cg-session.acme", None),
        ('__Host-cg-session.acme="s"', None),
        ("__Host-cg-session.acme=a b", None),
        ("__Host-cg-session.acme=" + "x" * 600, None),
    ],
)
def test_only_our_own_cookie_counts(make_app: MakeApp, header: str, value: str | None) -> None:
    with inside(make_app(), header):
        assert cookies.session() == value


def test_a_name_that_comes_twice_is_refused(make_app: MakeApp) -> None:
    app = make_app()

    @app.get("/session")
    def session() -> dict[str, Any]:
        return {"session": cookies.session()}

    twice = "__Host-cg-session.acme=mine; __Host-cg-session.acme=tossed"
    answer = app.test_client(use_cookies=False).get("/acme/session", base_url="https://id.example.test", headers={"Cookie": twice})
    assert answer.status_code == 400


def set_cookie(app: Flask, base: str, *, cross_site: bool, cookie: str = "") -> list[str]:
    with inside(app, cookie, base):
        response = Response()
        cookies.set_login(response, "handle", "secret", cross_site=cross_site)
        return response.headers.getlist("Set-Cookie")


def test_attributes_over_https(make_app: MakeApp) -> None:
    app = make_app()
    (lax,) = set_cookie(app, HTTPS, cross_site=False)
    assert lax.startswith("__Host-cg-login.")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= {part.strip() for part in lax.split(";")}
    assert "Domain" not in lax
    assert "handle" not in lax
    (none,) = set_cookie(app, HTTPS, cross_site=True)
    assert "SameSite=None" in none


def test_over_plain_http_a_cookie_is_lax_and_has_no_prefix(make_app: MakeApp) -> None:
    (cookie,) = set_cookie(make_app(), HTTP, cross_site=True)
    assert cookie.startswith("cg-login.")
    assert "Secure" not in cookie
    assert "SameSite=Lax" in cookie


def test_one_cookie_a_login(make_app: MakeApp) -> None:
    app = make_app()
    cookie = set_cookie(app, HTTPS, cross_site=False)[0].partition(";")[0]
    with inside(app, cookie):
        assert cookies.login("handle") == "secret"
        assert cookies.login("another") is None


def test_a_browser_keeps_few_unfinished_logins_and_drops_the_oldest(make_app: MakeApp) -> None:
    held = "; ".join(f"__Host-cg-login.{n:012x}={1000 + n}.s" for n in range(cookies.MAX_LOGINS + 2))
    headers = set_cookie(make_app(), HTTPS, cross_site=False, cookie=held)
    erased = [header.partition("=")[0] for header in headers if "Max-Age=0" in header]
    assert erased == [f"__Host-cg-login.{n:012x}" for n in range(3)]


@pytest.mark.parametrize(
    ("secret", "purpose", "token"),
    [
        (None, "login", csrf.token("s", "login")),
        ("other", "login", csrf.token("s", "login")),
        ("s", "consent", csrf.token("s", "login")),
        ("s", "login", ""),
        ("s", "login", "wrong"),
    ],
)
def test_a_form_without_its_token_is_refused(make_app: MakeApp, secret: str | None, purpose: str, token: str) -> None:
    with inside(make_app()), pytest.raises(LoginExpired):
        csrf.check(Params(((csrf.FIELD, token),)), secret, purpose)


def test_a_form_from_another_site_is_refused_with_the_right_token(make_app: MakeApp) -> None:
    form = Params(((csrf.FIELD, csrf.token("s", "login")),))
    with inside(make_app()):
        csrf.check(form, "s", "login")
    with inside(make_app(), headers={"Sec-Fetch-Site": "cross-site"}), pytest.raises(LoginExpired):
        csrf.check(form, "s", "login")
