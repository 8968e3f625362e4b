"""Every hosted page with sample contents, served without a login behind it: for looking at, and for the browser's tests."""

from __future__ import annotations

from typing import Any

from flask import Flask, Response

from broker import errors
from broker.faces.pages import views
from broker.model.settings import Branding, UserPool
from broker.web.errors import error_page
from broker.web.install import install
from broker.web.render import page
from broker.web.send import onward, post
from broker.web.tenancy import Tenancy

CHOICES = (
    views.Choice("google", "Google", "google"),
    views.Choice("github", "GitHub", "github"),
    views.Choice("microsoft", "Microsoft", "microsoft"),
    views.Choice("corp", "Corporation of Long Names & Sons Holding International", "saml"),
    views.Choice("okta", "Okta", "oidc"),
)
LOGO = (
    "data:image/svg+xml;base64,"
    "PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCAxMjAgMzIiPjxjaXJjbGUgY3g9IjE2IiBjeT0iMTYiIHI9IjE0IiBmaWxsPSIj"
    "MGE3ZDRmIi8+PHRleHQgeD0iNDAiIHk9IjIzIiBmb250LWZhbWlseT0ic2Fucy1zZXJpZiIgZm9udC1zaXplPSIyMiIgZmlsbD0iIzBhN2Q0ZiI+QWNtZTwvdGV4dD48L3N2Zz4="
)
POOLS = {
    "plain": UserPool(id="plain", name="Northwind Traders"),
    "acme": UserPool(id="acme", name="Acme", branding=Branding(logo_url=LOGO, accent="#0a7d4f", support_url="https://acme.test/help")),
    "loud": UserPool(id="loud", name="Sunny", branding=Branding(accent="#ffd400")),
}


class Pools:
    """What tenancy asks of the settings."""

    def pool(self, pool_id: str) -> UserPool | None:
        return POOLS.get(pool_id)

    def pool_by_host(self, host: str) -> None:
        return None


def make_preview(public_url: str) -> Flask:
    """An app with a page of each kind at /POOL/NAME."""
    app = Flask("preview", static_folder=None)
    services: Any = None
    install(app, services)

    @app.get("/<name>")
    def show(name: str) -> Response:
        return PAGES[name]()

    settings: Any = Pools()
    app.wsgi_app = Tenancy(app.wsgi_app, settings, public_url)  # type: ignore[method-assign]
    return app


def email(problem: str = "", value: str = "") -> Response:
    view = views.EmailView("handle", "token", "Travel desk", CHOICES[:2], value, problem)
    return page("email.html", view=view)


PAGES = {
    "chooser": lambda: page("chooser.html", view=views.ChooserView("handle", "token", "Travel desk", CHOICES)),
    "email": email,
    "email-problem": lambda: email(
        "We don't know the organization of this address. Check its spelling, or ask your administrator.", "ada@exmaple.com"
    ),
    "consent": lambda: page(
        "consent.html",
        view=views.ConsentView(
            "handle",
            "token",
            "Trip Planner by Contoso",
            views.grants(("openid", "email", "profile", "https://api.acme.test/trips.read"), {}),
            "",
        ),
    ),
    "error": lambda: error_page(errors.LoginExpired()),
    "error-developer": lambda: error_page(errors.UntrustedRedirect()),
    "logout": lambda: page("logout.html", view=views.LogoutView("token")),
    "signedout": lambda: page("signedout.html"),
    "onward": lambda: onward("/plain/signedout?x", "Okta"),
    "post": lambda: post("/nowhere", [("SAMLRequest", "abc")], "Corporation"),
}
