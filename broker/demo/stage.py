"""The demo's course: start everyone, then either show where to click or sign in both ways and show the tokens."""

from __future__ import annotations

import contextlib
import json
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import requests
from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from broker.demo import layout as plan
from broker.demo.exchange import Cloud
from broker.demo.layout import Layout, config_toml, make_layout
from broker.demo.oidc_idp import Client, make_oidc_idp
from broker.demo.people import PEOPLE, make_key
from broker.demo.reports import make_reports
from broker.demo.saml_idp import make_saml_idp
from broker.demo.sample_app import Registration, make_sample_app
from broker.demo.servers import Broker, DemoFailed, Party
from broker.demo.visitor import Visitor

Decoded = dict[str, Any]


def run(headless: bool, as_json: bool) -> int:
    """See `broker.demo.run`."""
    talk = Console(stderr=headless)
    with contextlib.ExitStack() as stack:
        stack.callback(signal.signal, signal.SIGTERM, signal.signal(signal.SIGTERM, _ended))
        try:
            with talk.status("Starting the broker and its sample parties …"):
                layout = stack.enter_context(everyone())
            if not headless:
                _show_where_to_click(talk, layout)
                threading.Event().wait()
                return 0
            _print(sign_in_both_ways(layout), as_json)
        except DemoFailed as failed:
            talk.print(f"The demo failed: {failed}", style="red", markup=False, highlight=False)
            return 1
        except KeyboardInterrupt:
            talk.print("Stopping.")
    return 0


def _ended(number: int, frame: Any) -> None:
    raise KeyboardInterrupt


@contextlib.contextmanager
def everyone() -> Iterator[Layout]:
    """Start all four, in a directory that vanishes with them."""
    layout = make_layout()
    registration = Registration(
        layout.issuer,
        plan.CLIENT_ID,
        layout.client_secret,
        layout.app,
        ((plan.SAML_NAME, "SAML"), (plan.OIDC_NAME, "OIDC")),
        Cloud(layout.broker, layout.identity_pool, layout.reports),
    )
    callback = f"{layout.issuer}/oauth2/idpresponse"
    client = Client("crossgate", layout.upstream_secret, (callback,), (f"{layout.issuer}/signedout",))
    saml = make_saml_idp(layout.saml, f"{layout.issuer}/saml2/metadata", make_key("Sample SAML IdP"))
    oidc = make_oidc_idp(layout.oidc, client, make_key("Sample OIDC IdP"))
    with tempfile.TemporaryDirectory(prefix="crossgate-demo-") as folder, contextlib.ExitStack() as stack:
        config = Path(folder) / "config.toml"
        config.write_text(config_toml(layout), encoding="utf-8")
        stack.enter_context(Party(saml, layout.saml_port))
        stack.enter_context(Party(oidc, layout.oidc_port))
        stack.enter_context(Party(make_reports(layout.authorize), layout.reports_port))
        stack.enter_context(Party(make_sample_app(registration), layout.app_port))
        broker = stack.enter_context(Broker(config, layout.broker))
        try:
            yield layout
        except DemoFailed as failed:
            raise DemoFailed(f"{failed}\n\nThe end of the broker's log:\n{broker.tail()}") from failed


def sign_in_both_ways(layout: Layout) -> dict[str, Decoded]:
    """Sign in through each provider as a browser would, and verify what the app got against the pool's JWKS. Raises DemoFailed."""
    keys = jwt.PyJWKClient(f"{layout.issuer}/.well-known/jwks.json")
    result: dict[str, Decoded] = {}
    for short, provider, name in (("saml", plan.SAML_NAME, "alice"), ("oidc", plan.OIDC_NAME, "bob")):
        visitor = Visitor()
        try:
            answers = {"username": name, "password": PEOPLE[name].password}
            visitor.visit(f"{layout.app}/sign-in?with={provider}", answers, until=f"{layout.app}/")
            tokens = visitor.get_json(f"{layout.app}/tokens.json").get(provider)
        except requests.RequestException as failed:
            raise DemoFailed(f"{provider}: {failed}") from failed
        finally:
            visitor.close()
        if tokens is None:
            raise DemoFailed(f"The app has no tokens of {provider}.")
        result[short] = {
            "id_token": _verified(keys, layout, tokens["id_token"], "id"),
            "access_token": _verified(keys, layout, tokens["access_token"], "access"),
            "credentials": tokens["credentials"],
        }
    _same_shape(result["saml"], result["oidc"])
    _as_rules_say(result)
    return result


def _as_rules_say(result: dict[str, Decoded]) -> None:
    """The promise of the identity pool: Alice of marketing reads her department's report and no other, Bob of sales reads none."""
    for way, role, allowed in (("saml", "marketing", {"marketing"}), ("oidc", "staff", set())):
        given = result[way]["credentials"]
        read = {department for department, status in given.get("reports", {}).items() if status == 200}
        if f":assumed-role/{role}/" not in given.get("role", "") or read != allowed:
            raise DemoFailed(f"The credentials of {way} are not what the rules say: {json.dumps(given)}")


def _verified(keys: jwt.PyJWKClient, layout: Layout, token: str, use: str) -> dict[str, Any]:
    try:
        key = keys.get_signing_key_from_jwt(token)
        audience = plan.CLIENT_ID if use == "id" else None
        claims: dict[str, Any] = jwt.decode(
            token,
            key.key,
            algorithms=["RS256"],
            issuer=layout.issuer,
            audience=audience,
            options={"verify_aud": audience is not None, "require": ["exp", "iat", "iss", "sub"]},
        )
    except jwt.PyJWTError as failed:
        raise DemoFailed(f"The {use} token does not verify: {failed}") from failed
    if claims.get("token_use") != use:
        raise DemoFailed(f"The {use} token says token_use={claims.get('token_use')!r}.")
    return claims


def _same_shape(one: Decoded, other: Decoded) -> None:
    """The promise of the whole: tokens of both kinds of provider have the same claims."""
    for token in ("id_token", "access_token"):
        differing = set(one[token]) ^ set(other[token])
        if differing:
            raise DemoFailed(f"The two {token}s differ in claims: {', '.join(sorted(differing))}.")


def _print(result: dict[str, Decoded], as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(result, indent=2, sort_keys=True) + "\n")
        return
    out = Console()
    for token in ("id_token", "access_token", "credentials"):
        table = Table(title=token.replace("_", " ").replace("id", "ID"), title_justify="left")
        for heading in ("claim", "through SAML", "through OpenID Connect"):
            table.add_column(heading, overflow="fold")
        for claim in dict.fromkeys((*result["saml"][token], *result["oidc"][token])):
            table.add_row(claim, *(json.dumps(result[way][token].get(claim)) for way in ("saml", "oidc")))
        out.print(table)


def _show_where_to_click(talk: Console, layout: Layout) -> None:
    table = Table.grid(padding=(0, 2))
    for label, url in (
        ("Start here: the sample app", f"{layout.app}/"),
        ("The SAML IdP", f"{layout.saml}/"),
        ("The OIDC IdP", f"{layout.oidc}/"),
        ("The broker's issuer", layout.issuer),
        ("The guarded reports API", f"{layout.reports}/reports/marketing"),
    ):
        table.add_row(label, f"[link={url}]{url}[/link]")
    table.add_row("", "")
    for person in PEOPLE.values():
        table.add_row(f"Sign in as {person.name}", f"password {person.password}")
    talk.print(Panel(table, title="Crossgate demo", subtitle="Ctrl-C stops everything", expand=False))
