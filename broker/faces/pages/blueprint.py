"""The hosted pages' routes. Each reads, asks one use case, and renders; a page of a login in flight is bound to that login's cookie."""

from __future__ import annotations

import re

from flask import Blueprint, Response, request

from broker.errors import AccessDenied, InvalidRequest, LoginExpired
from broker.faces.pages import logout, views
from broker.flows.next_step import AskConsent, Choose
from broker.model.login import Login
from broker.model.settings import AppClient
from broker.web import cookies, csrf, i18n, params, send, steps
from broker.web.context import base_url, pool, services
from broker.web.errors import error_page
from broker.web.i18n import gettext
from broker.web.methods import no_head
from broker.web.params import Params
from broker.web.render import page
from providers.base import Inbound

blueprint = Blueprint("pages", __name__)
blueprint.add_url_rule("/logout", "logout", no_head(logout.logout), methods=["GET"])
blueprint.add_url_rule("/logout", "confirmed", logout.confirmed, methods=["POST"])

HANDLE_CHARACTERS = 100
ADDRESS = re.compile(r"[^@\s]{1,64}@[^@\s]{1,255}")


def held(given: Params) -> tuple[Login, str]:
    """The login that a page is about, and the secret of the cookie that binds it. Raises LoginExpired for another browser's."""
    handle = given.single("login", HANDLE_CHARACTERS)
    if handle is None:
        raise LoginExpired("no login named", code="login_unknown")
    secret = cookies.login(handle)
    login = services().load_login(pool(), handle, secret)
    i18n.choose(login.request.ui_locales)
    return login, secret or ""


def held_by_form() -> tuple[Params, Login, str]:
    """The same for a form of ours, with its token checked (rows OA-B5, OA-B6)."""
    form = params.form()
    login, secret = held(form)
    csrf.check(form, secret, f"login:{login.handle}")
    return form, login, secret


def app_of(login: Login) -> AppClient | None:
    """The application that asked for this login, as it is now."""
    return services().kit.settings.client(login.pool_id, login.request.client_id)


# --- the chooser -------------------------------------------------------------------------------------------------------------------------


@blueprint.get("/login")
@no_head
def choose() -> Response:
    """Ask how to sign in. Without a login in flight this is another door to /oauth2/authorize (spec B.3)."""
    query = params.query()
    if "login" not in query and "client_id" in query:
        return send.leave(f"{base_url()}/oauth2/authorize?{query.raw}")
    login, secret = held(query)
    step = services().next_step(pool(), login)
    if not isinstance(step, Choose):
        return steps.proceed(login, secret)
    return remembering(chooser_page(login, secret, step), login)


@blueprint.post("/login")
def chosen() -> Response:
    """A provider's button, or an e-mail address."""
    form, login, secret = held_by_form()
    step = services().next_step(pool(), login)
    if not isinstance(step, Choose):
        return steps.proceed(login, secret, from_form=True)
    provider = form.single("provider", 64)
    if provider is not None:
        return steps.go_upstream(login, secret, provider, from_form=True)
    address = (form.single("email", 320) or "").strip()
    if not ADDRESS.fullmatch(address):
        problem = gettext("Enter your email address, for example you@company.com.")
        return chooser_page(login, secret, step, address, problem)
    routed = services().route_email(pool(), login, address)
    if routed is None:
        problem = gettext("We don't know the organization of this address. Check its spelling, or ask your administrator.")
        return chooser_page(login, secret, step, address, problem)
    return steps.go_upstream(login, secret, routed, from_form=True)


def chooser_page(login: Login, secret: str, step: Choose, email: str = "", problem: str = "") -> Response:
    """Buttons, or the e-mail field first. A problem stands beside the field, with status 422."""
    app = app_of(login)
    token = csrf.token(secret, f"login:{login.handle}")
    choices = tuple(views.Choice(choice.name, choice.display_name, choice.kind) for choice in step.options)
    app_name = app.name if app else ""
    if not step.email_first:
        return page("chooser.html", view=views.ChooserView(login.handle, token, app_name, choices))
    view = views.EmailView(login.handle, token, app_name, choices, email, problem)
    return page("email.html", status=422 if problem else 200, view=view)


def remembering(response: Response, login: Login) -> Response:
    """Keep the language that the application asked for."""
    i18n.remember(response, login.request.ui_locales)
    return response


# --- consent -----------------------------------------------------------------------------------------------------------------------------


@blueprint.get("/consent")
@no_head
def ask_consent() -> Response:
    """Ask whether a third-party application may have what it asks for."""
    login, secret = held(params.query())
    step = services().next_step(pool(), login)
    if not isinstance(step, AskConsent):
        return steps.proceed(login, secret)
    view = views.ConsentView(
        login=login.handle,
        csrf=csrf.token(secret, consent_purpose(login, step)),
        app_name=step.client.name or step.client.id,
        grants=views.grants(step.scopes, described_scopes()),
        scopes=" ".join(step.scopes),
    )
    return page("consent.html", view=view)


@blueprint.post("/consent")
def answer_consent() -> Response:
    """The answer, to exactly what was on the screen (row OA-P1.20)."""
    form = params.form()
    login, secret = held(form)
    step = services().next_step(pool(), login)
    if not isinstance(step, AskConsent):
        return steps.proceed(login, secret, from_form=True)
    csrf.check(form, secret, consent_purpose(login, step))
    answer = form.single("agree", 8)
    if answer not in {"yes", "no"}:
        raise InvalidRequest("agree is neither yes nor no")
    try:
        login = services().record_consent(login, answer == "yes")
    except AccessDenied as refused:
        return steps.refuse(login, refused, from_form=True)
    return steps.proceed(login, secret, from_form=True)


def described_scopes() -> dict[str, str]:
    """The operator's words for the scopes of his resource servers."""
    servers = services().kit.settings.resource_servers(pool().id)
    return {f"{server.identifier}/{scope}": words for server in servers for scope, words in server.scopes}


def consent_purpose(login: Login, step: AskConsent) -> str:
    """The token covers the scopes: a form that was shown for others is worth nothing."""
    return f"consent:{login.handle}:{' '.join(step.scopes)}"


# --- signing out, and errors by address --------------------------------------------------------------------------------------------------


@blueprint.get("/signedout")
@no_head
def signed_out() -> Response:
    """You're signed out; or, with a state, an OpenID upstream sends the browser back here on its way to the application."""
    query = params.query()
    handle = query.single("state")
    if handle is None:
        return page("signedout.html")
    inbound = Inbound("GET", base_url() + request.path, query=query.pairs)
    back = services().finish_upstream_logout(pool(), handle, inbound)
    return send.leave(back) if back else send.to_page(f"{base_url()}/signedout")


@blueprint.get("/error")
def error() -> Response:
    """An error by its address (spec B.2). The address chooses among our own words and can add none (row OA-P1.22)."""
    return error_page(views.error_named(params.query().single("error", 64) if request.query_string else None))
