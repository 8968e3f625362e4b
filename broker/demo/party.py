"""What the sample parties share: a small Flask app with its own cookie, and pages in the look of the hosted ones."""

from __future__ import annotations

import secrets
from typing import Any

from flask import Flask, Response, render_template

from broker.web.render import STATIC


def make_party(name: str, cookie: str, heading: str) -> Flask:
    """A Flask app. Cookies do not know ports, so each party on this machine names its own."""
    app = Flask(name, template_folder=str(__file__).removesuffix("party.py") + "templates", static_folder=None)
    app.secret_key = secrets.token_bytes(32)
    app.config.update(SESSION_COOKIE_NAME=cookie, SESSION_COOKIE_SAMESITE="Lax", MAX_CONTENT_LENGTH=512 * 1024)

    @app.get("/style.css")
    def style() -> Response:
        css = (STATIC / "crossgate.css").read_text() + (STATIC.parent.parent / "demo" / "templates" / "demo.css").read_text()
        return Response(css, mimetype="text/css", headers={"Cache-Control": "no-cache"})

    @app.context_processor
    def common() -> dict[str, Any]:
        return {"heading": heading}

    @app.get("/up")
    def up() -> str:
        return "up"

    return app


def page(template: str, **values: Any) -> str:
    """Render one of the demo's templates."""
    return render_template(template, **values)
