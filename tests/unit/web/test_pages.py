"""Headers, errors, sending the browser on, colours and languages."""

from __future__ import annotations

import re

import pytest
from flask import Flask, Response

from broker import errors as broker_errors
from broker.web import context, errors, i18n, params, send, theme
from broker.web.render import STATIC, environment
from providers import errors as provider_errors
from providers.base import LoginStart
from tests.unit.web import messages
from tests.unit.web.conftest import MakeApp

BASE = "https://id.example.test"


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    app = make_app()

    @app.get("/boom")
    def boom() -> str:
        raise RuntimeError("secret inside")

    @app.get("/refuse/<name>")
    def refuse(name: str) -> str:
        kind = getattr(broker_errors, name)
        raise kind("private half", reason="x") if name == "FederationFailed" else kind("private half")

    @app.route("/away", methods=["GET", "POST"])
    def away() -> Response:
        start = LoginStart("redirect", "https://idp.test/sso?x=1", {"state": "a&b"}, b"")
        return send.send(start, "Acme <IdP>", from_form=params.request.method == "POST")

    @app.get("/post")
    def post() -> Response:
        return send.send(LoginStart("form_post", "https://idp.test/sso", {"SAMLRequest": '"><script>'}, b""), "IdP")

    @app.post("/acs")
    def acs() -> Response:
        form = params.form()
        return Response("taken") if send.was_bounced(form) else send.bounce(form)

    return app


def test_every_refusal_has_its_own_row() -> None:
    leaves = [kind for kind in messages.error_classes() if not kind.__subclasses__()]
    assert set(leaves) <= set(errors.PAGES)
    assert all(400 <= row.status <= 599 for row in errors.PAGES.values())


@pytest.mark.parametrize("kind", sorted(kind.__name__ for kind in errors.PAGES))
def test_a_refusal_is_a_page_with_the_request_id_and_without_the_private_half(app: Flask, kind: str) -> None:
    answer = app.test_client().get(f"/acme/refuse/{kind}", base_url=BASE)
    row = errors.PAGES[getattr(broker_errors, kind)]
    assert answer.status_code == row.status
    assert answer.headers["X-Request-Id"] in answer.text
    assert "private half" not in answer.text


def test_an_unexpected_error_tells_nothing(app: Flask) -> None:
    answer = app.test_client().get("/acme/boom", base_url=BASE)
    assert answer.status_code == 500
    assert "secret inside" not in answer.text
    assert answer.headers["X-Request-Id"] in answer.text


@pytest.mark.parametrize(
    ("path", "method", "status"), [("/acme/nothing", "GET", 404), ("/acme/boom", "POST", 405), ("/acme/boom/", "GET", 404)]
)
def test_what_routing_refuses_is_a_page_too(app: Flask, path: str, method: str, status: int) -> None:
    answer = app.test_client().open(path, method=method, base_url=BASE)
    assert answer.status_code == status
    assert "<h1>" in answer.text


def test_headers_of_a_page(app: Flask) -> None:
    headers = app.test_client().get("/acme/post", base_url=BASE).headers
    policy = headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    assert "Cookie" in headers["Vary"]
    assert headers["Strict-Transport-Security"].startswith("max-age=")
    assert headers["X-Request-Id"]


def test_a_nonce_is_used_once(app: Flask) -> None:
    client = app.test_client()
    nonces = [re.findall("nonce-([^']+)'", client.get("/acme/nothing", base_url=BASE).headers["Content-Security-Policy"]) for _ in range(2)]
    assert nonces[0] != nonces[1]


def test_static_files_are_kept(app: Flask) -> None:
    answer = app.test_client().get("/static/crossgate.css", base_url=BASE)
    assert "immutable" in answer.headers["Cache-Control"]
    assert app.test_client().get("/static/../pages/__init__.py", base_url=BASE).status_code == 404


def test_a_get_is_sent_on_by_303(app: Flask) -> None:
    answer = app.test_client().get("/acme/away", base_url=BASE)
    assert answer.status_code == 303
    assert answer.headers["Location"] == "https://idp.test/sso?x=1&state=a%26b"


def test_a_form_of_ours_is_answered_by_a_page_that_goes_on(app: Flask) -> None:
    """A redirect would be held against form-action at each hop of the upstream."""
    answer = app.test_client().post("/acme/away", base_url=BASE)
    assert answer.status_code == 200
    assert answer.headers["Refresh"] == "0; url=https://idp.test/sso?x=1&state=a%26b"
    assert 'href="https://idp.test/sso?x=1&amp;state=a%26b"' in answer.text
    assert "Acme &lt;IdP&gt;" in answer.text
    assert "form-action 'self'" in answer.headers["Content-Security-Policy"]


def test_a_form_post_escapes_its_fields_and_has_a_button(app: Flask) -> None:
    answer = app.test_client().get("/acme/post", base_url=BASE)
    assert 'name="SAMLRequest" value="&#34;&gt;&lt;script&gt;"' in answer.text
    assert "<button" in answer.text
    assert "form-action" not in answer.headers["Content-Security-Policy"]


def test_a_post_without_its_cookie_bounces_once(app: Flask) -> None:
    client = app.test_client()
    first = client.post("/acme/acs", data={"SAMLResponse": "abc", "RelayState": 'a"b'}, base_url=BASE)
    assert 'action="/acme/acs"' in first.text
    fields = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', first.text))
    assert fields == {"SAMLResponse": "abc", "RelayState": "a&#34;b", send.BOUNCED: "1"}
    assert client.post("/acme/acs", data=fields, base_url=BASE).text == "taken"


ACCENTS = ["#0a7d4f", "#fff", "#000000", "#ffee00", "#ff0000", "#7f7f7f", "#2f5bd7", "#00ffff", "red", "#12345", "};body{", ""]


@pytest.mark.parametrize("accent", ACCENTS)
def test_every_accent_becomes_legible(accent: str) -> None:
    from broker.model.settings import Branding

    made = theme.of(Branding(accent=accent))
    for shades, card in ((made.light, theme.LIGHT_CARD), (made.dark, theme.DARK_CARD)):
        assert theme.contrast(shades.on_fill, shades.fill) >= 4.5
        assert theme.contrast(shades.text, card) >= 4.5
        assert theme.contrast(shades.fill, card) >= 1.3
        assert all(theme.HEX.fullmatch(colour) for colour in (shades.fill, shades.on_fill, shades.text))


def test_the_style_sheet_keeps_its_promise_of_contrast() -> None:
    sheet = (STATIC / "crossgate.css").read_text()
    light, dark = (dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", part)) for part in sheet.split("prefers-color-scheme: dark", 1))
    assert light["card"] == theme.LIGHT_CARD
    assert dark["card"] == theme.DARK_CARD
    for tokens in (light, dark):
        for ink in ("ink", "ink-soft"):
            for ground in ("card", "page", "hover"):
                assert theme.contrast(tokens[ink], tokens[ground]) >= 4.5, (ink, ground)
        assert theme.contrast(tokens["danger"], tokens["card"]) >= 4.5
        assert theme.contrast(tokens["line-strong"], tokens["card"]) >= 3


def test_german_says_everything() -> None:
    german = i18n.catalogue("de")
    known = german._catalog  # type: ignore[attr-defined]
    of_providers = {kind.public for kind in vars(provider_errors).values() if isinstance(kind, type)}
    missing = (messages.from_code() | messages.from_errors() | of_providers) - set(known)
    assert not missing
    placeholders = re.compile(r"%\(\w+\)s")
    for message, translated in known.items():
        if message:
            assert sorted(placeholders.findall(message)) == sorted(placeholders.findall(translated)), message


@pytest.mark.parametrize(
    ("wishes", "cookie", "accept", "language"),
    [
        (None, "", "", "en"),
        (None, "", "de-AT,de;q=0.9,en;q=0.8", "de"),
        (None, "", "fr, en;q=0.5", "en"),
        (None, "__Host-cg-lang=de", "en", "de"),
        ("fr de-CH en", "", "en", "de"),
        ("en", "__Host-cg-lang=de", "de", "en"),
        ("<script>", "__Host-cg-lang=../../x", "*", "en"),
    ],
)
def test_whose_wish_settles_the_language(app: Flask, wishes: str | None, cookie: str, accept: str, language: str) -> None:
    with app.test_request_context("/", base_url=BASE, headers={"Cookie": cookie, "Accept-Language": accept}):
        assert i18n.choose(wishes) == language


def test_an_error_speaks_german(app: Flask) -> None:
    answer = app.test_client().get("/acme/nothing", base_url=BASE, headers={"Accept-Language": "de"})
    assert "Seite nicht gefunden" in answer.text
    assert '<html lang="de">' in answer.text


def test_templates_always_escape() -> None:
    assert environment().from_string("{{ a }}").render(a="<b>") == "&lt;b&gt;"
    assert context.EXTENSION == "crossgate"
