"""The whole broker as a stage for the rows that a reader alone cannot play: two tenants, two identity providers, browsers with cookies."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from werkzeug.test import TestResponse

from broker.wiring import build
from tests.attacks.saml.ring import idp_a, idp_b
from tests.fakes.broker import PUBLIC, REDIRECT, SECRET, Browser, Flow, TestBroker, replace_answer
from tests.fakes.saml_forge import Answer, Base, Edit, IdpBox, form_value

ACME, GLOBEX = "local_Acme", "local_Globex"
SUFFIX = {ACME: "", GLOBEX: "_g"}  # a client's id is its own in the whole broker
# Providers: corp is IdP A, open is IdP B and may begin a sign-in by itself. Both tenants know both; only Acme's corp signs out.
PROVIDER = """
[[user_pool.provider]]
name = "{name}"
kind = "saml"
metadata_file = "{file}"
mapping = {{ email = "email" }}
{more}
"""
CLIENT = f"""
[[user_pool.client]]
id = "{{id}}"
secret = "{SECRET}"
redirect_uris = ["{REDIRECT}"]
logout_uris = ["https://app.example/bye"]
scopes = ["openid", "email"]
providers = {{providers}}
require_pkce = false
third_party = {{third}}
"""
HEAD = """
[server]
public_url = "http://localhost:8080"

[store]
url = "sqlite:///crossgate.db"

[log]
audit_file = "audit.jsonl"

[limits]
authorize_per_address = 1000000
authorize_per_client = 1000000
callback_per_address = 1000000
callback_per_client = 1000000
"""


def configuration(folder: Path) -> str:
    """Two tenants with the same providers and clients."""
    files = {"corp": idp_a(), "open": idp_b()}
    for name, idp in files.items():
        (folder / f"{name}.xml").write_text(idp.metadata())
    more = {"corp": "sign_out = true", "open": "idp_initiated = true"}
    clients = {"app": ('["corp"]', "false"), "direct": ('["open"]', "false"), "partner": ('["open"]', "true")}
    made = HEAD
    for pool in (ACME, GLOBEX):
        made += f'\n[[user_pool]]\nid = "{pool}"\nname = "{pool}"\n'
        made += "".join(CLIENT.format(id=name + SUFFIX[pool], providers=names, third=third) for name, (names, third) in clients.items())
        made += "".join(PROVIDER.format(name=name, file=folder / f"{name}.xml", more=more[name]) for name in files)
    return made


@dataclass
class Stage:
    """A broker under attack, and what it has written down so far."""

    folder: Path
    broker: TestBroker = field(init=False)

    def __post_init__(self) -> None:
        self.broker = TestBroker.start(self.folder, configuration(self.folder), idp_a())

    def another_node(self) -> TestBroker:
        """A second process on the same store, or the first one after a restart: nothing in memory is shared."""
        first = self.broker
        return TestBroker(first.config, build(first.config, first.clock), first.clock, first.idp)

    @cached_property
    def database(self) -> Path:
        return self.folder / "crossgate.db"

    def counts(self) -> dict[str, int]:
        """Rows that a refused attack must not add."""
        with contextlib.closing(sqlite3.connect(self.database)) as db:
            return {
                name: db.execute(f"select count(*) from {name}").fetchone()[0] for name in ("users", "identities", "sessions", "families")
            }

    def audit(self) -> list[dict[str, Any]]:
        path = self.folder / "audit.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def begin(
        self, browser: Browser, pool: str = ACME, client: str = "app", provider: str = "corp", **more: str
    ) -> tuple[Flow, TestResponse]:
        return self.broker.begin(browser, client + SUFFIX[pool], pool, identity_provider=provider, scope="openid email", **more)

    def unasked(self, idp: IdpBox | None = None, pool: str = ACME, base: Base = "G-B", edit: Edit | None = None, **changes: Any) -> str:
        """A SAMLResponse that the identity provider sends of its own accord."""
        idp = idp or idp_b()
        acs = f"{PUBLIC}/{pool}/saml2/idpresponse"
        answer = replace_answer(Answer(idp.entity_id, acs, self.entity_id(pool), self.broker.clock.now()), changes)
        return form_value(idp.respond(answer, base, edit))

    def entity_id(self, pool: str) -> str:
        return f"urn:amazon:cognito:sp:{pool}"

    def post(self, browser: Browser, fields: dict[str, str] | list[tuple[str, str]], pool: str = ACME) -> TestResponse:
        """To the ACS, as it arrives after the bounce."""
        pairs = list(fields.items()) if isinstance(fields, dict) else fields
        return browser.post(f"{PUBLIC}/{pool}/saml2/idpresponse", [*pairs, ("crossgate_bounced", "1")])


def relay(client: str = "direct", **changes: str) -> str:
    """The RelayState of a sign-in that the identity provider begins."""
    fields = {"identity_provider": "open", "client_id": client, "redirect_uri": REDIRECT, "response_type": "code", "scope": "openid email"}
    return urlencode({name: value for name, value in {**fields, **changes}.items() if value})


def signed_in(response: TestResponse) -> bool:
    """Whether this response lets somebody in: a code for the app, or a session."""
    cookies = [value for name, value in response.headers if name == "Set-Cookie" and "session" in value.split("=")[0]]
    return "code=" in (response.location or "") or bool(cookies)


@dataclass
class Refusal:
    """What a refused attack left behind."""

    response: TestResponse
    reasons: list[str]


def refused_post(stage: Stage, browser: Browser, fields: dict[str, str] | list[tuple[str, str]], pool: str = ACME) -> Refusal:
    """Post an attack and hold the oracle against it: 4xx, a plain page, no session or code, no row, nothing of the forger's quoted."""
    return refused_by(stage, lambda: stage.post(browser, fields, pool))


def refused_by(stage: Stage, act: Any) -> Refusal:
    before, heard = stage.counts(), len(stage.audit())
    response = act()
    text = response.get_data(as_text=True)
    assert 400 <= response.status_code < 500, (response.status_code, response.location, text[:500])
    assert not signed_in(response)
    assert stage.counts() == before
    assert "evil.example" not in text
    assert "Traceback" not in text
    return Refusal(response, [event.get("reason", "") for event in stage.audit()[heard:]])


def accepted(response: TestResponse) -> str:
    """The code of a sign-in that went through."""
    assert response.status_code == 303, response.get_data(as_text=True)[:1500]
    assert (response.location or "").startswith(REDIRECT), response.location
    assert "code=" in response.location
    return response.location.partition("code=")[2].partition("&")[0]
