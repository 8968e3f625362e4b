"""A broker that every row attacks, and the oracle: what a refusal looks like from outside, and what it must leave untouched."""

from __future__ import annotations

import base64
import json
import re
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

from werkzeug.test import TestResponse

from broker.model.settings import AppClient, ProviderRecord
from tests.attacks.op.setup import OTHER_POOL, POOL, SECRET, document
from tests.fakes.broker import Browser, Flow, TestBroker
from tests.fakes.oidc_op import FakeOp, SigningKey

DURABLE = (
    "users", "identities", "pending_links", "memberships", "sessions", "families", "refresh_tokens", "consents", "jobs", "records",
)  # fmt: skip
SESSION_COOKIE = re.compile(r"(?:__Host-)?cg-session\.[^=]+=[^;]")


@dataclass
class World:
    """The broker, its two OpenID upstreams, and the keys of the clients that sign."""

    broker: TestBroker
    op: FakeOp
    op2: FakeOp
    folder: Path
    keys: dict[str, SigningKey]

    @classmethod
    def start(cls, folder: Path, op: FakeOp, op2: FakeOp, toml: str = "") -> Self:
        keys = {
            "signed": SigningKey.make("s1"), "cosigned": SigningKey.make("c1"),
            "curved": SigningKey.make("e1", "ES256"), "expired": SigningKey.make("x1", "ES256"),
        }  # fmt: skip
        over = {**keys["expired"].public(), "exp": 1_700_000_000}
        sets = {"signed": [keys["signed"].public(), over], "cosigned": [keys["cosigned"].public(), keys["curved"].public()]}
        for name, jwks in sets.items():
            (folder / f"{name}.json").write_text(json.dumps({"keys": jwks}))
        broker = TestBroker.start(folder, toml or document(op.issuer, op2.issuer))
        op.now = op2.now = lambda: broker.clock.now().timestamp()
        return cls(broker, op, op2, folder, keys)

    # --- honest use ------------------------------------------------------------------------------------------------------------------

    def code(self, client_id: str = "app", browser: Browser | None = None, **params: str) -> tuple[Flow, str]:
        """A fresh SAML sign-in up to the code."""
        browser = browser or self.broker.browser()
        flow, sent = self.broker.begin(browser, client_id, identity_provider="corp", **params)
        fields = self.broker.saml_answer(sent)
        return flow, self.broker.code_of(flow, self.broker.post_acs(browser, fields))

    def tokens(self, client_id: str = "app", secret: str | None = SECRET, **params: str) -> dict[str, Any]:
        """A fresh SAML sign-in up to the tokens."""
        flow, code = self.code(client_id, **params)
        reply = self.broker.redeem(flow, code, secret)
        assert reply.status_code == 200, reply.get_data(as_text=True)
        body: dict[str, Any] = reply.get_json()
        return body

    def signed_in(self, client_id: str = "app") -> Browser:
        """A browser with a session."""
        browser = self.broker.browser()
        self.code(client_id, browser)
        return browser

    def url(self, path: str, pool: str = POOL, **query: str) -> str:
        return f"{self.broker.issuer(pool)}{path}" + (f"?{urlencode(query)}" if query else "")

    def post(self, path: str, form: dict[str, str] | list[tuple[str, str]], basic: str | None = None, **headers: str) -> TestResponse:
        """POST a form to the first pool; `basic` is `id:secret` as it stands before base64."""
        if basic is not None:
            headers["Authorization"] = "Basic " + base64.b64encode(basic.encode()).decode()
        return self.broker.browser().post(self.url(path), form, headers=headers)

    def userinfo(self, token: str, pool: str = POOL) -> TestResponse:
        return self.broker.browser().get(self.url("/oauth2/userInfo", pool), headers={"Authorization": f"Bearer {token}"})

    def refresh(self, token: str, client_id: str = "app", **form: str) -> TestResponse:
        return self.broker.token({"grant_type": "refresh_token", "refresh_token": token, **form}, client_id)

    # --- changes by an operator ------------------------------------------------------------------------------------------------------

    def client(self, client_id: str, **changes: Any) -> AppClient:
        """Change a client's record, and let the caches notice. Returns it as it was."""
        with self.broker.wired.store.unit() as unit:
            record = unit.clients.get(POOL, client_id)
            assert record is not None
            unit.clients.put(replace(record, **changes))
        self.broker.clock.advance(seconds=2)
        return record

    def provider(self, name: str, **changes: Any) -> ProviderRecord:
        """The same for a provider."""
        with self.broker.wired.store.unit() as unit:
            record = unit.providers.get(POOL, name)
            assert record is not None
            unit.providers.put(replace(record, **changes, revision=record.revision + 1))
        self.broker.clock.advance(seconds=2)
        return record

    def enable_user(self, sub: str, enabled: bool) -> None:
        with self.broker.wired.store.unit() as unit:
            user = unit.users.get(POOL, sub)
            assert user is not None
            unit.users.update(replace(user, enabled=enabled))

    # --- the oracle ------------------------------------------------------------------------------------------------------------------

    def rows(self, except_for: Iterable[str] = ()) -> dict[str, list[tuple[Any, ...]]]:
        """Everything durable that a refusal must leave as it was."""
        with closing(sqlite3.connect(self.folder / "crossgate.db")) as database:
            return {table: database.execute(f"select * from {table}").fetchall() for table in DURABLE if table not in set(except_for)}

    def audit(self, since: int = 0) -> list[dict[str, Any]]:
        """The audit events after so many octets of the file."""
        path = self.folder / "audit.jsonl"
        return [json.loads(line) for line in path.read_bytes()[since:].splitlines()] if path.exists() else []

    def told(self) -> int:
        """How long the audit file is by now."""
        path = self.folder / "audit.jsonl"
        return path.stat().st_size if path.exists() else 0

    def outbound(self) -> int:
        return len(self.op.seen) + len(self.op2.seen)

    def refuses(
        self,
        act: Callable[[], TestResponse],
        reason: str,
        error: str | None = None,
        *,
        status: int | None = None,
        touches: Iterable[str] = (),
    ) -> TestResponse:
        """Do it, and hold that it was refused: `reason` is the audit event's, `error` OAuth's own word where there is one.

        `touches` names the tables that this very refusal is meant to change (a family that reuse revokes). Calls upstream are
        refusals' own to forbid; a row whose attack lies behind one lists "outbound".
        """
        before, told, calls = self.rows(touches), self.told(), self.outbound()
        response = act()
        seen_error(response, error, status)
        gives_nothing(response)
        assert self.rows(touches) == before
        assert "outbound" in set(touches) or self.outbound() == calls
        events = [event for event in self.audit(told) if event["outcome"] == "refused"]
        assert [event.get("reason") for event in events][-1:] == [reason], events
        assert len(events) == 1 or "events" in set(touches), events
        return response


def seen_error(response: TestResponse, error: str | None, status: int | None) -> None:
    """A redirect with error, iss and no code; or 4xx."""
    text = response.get_data(as_text=True)
    if response.status_code == 303:
        assert status in {None, 303}, response.location
        answer = query_of(response.location)
        assert error is not None, response.location
        assert answer.get("error") == error, response.location
        assert answer.get("iss", "").startswith("http://localhost:8080/local_Test"), response.location
        return
    assert 400 <= response.status_code < 500, (response.status_code, text[:500])
    assert status in {None, response.status_code}, (response.status_code, text[:500])
    if error is not None:
        assert response.get_json()["error"] == error, text[:500]
    elif response.mimetype == "text/html":
        assert "Location" not in response.headers
        assert response.headers["X-Request-Id"] in text


def gives_nothing(response: TestResponse) -> None:
    """No session, no code, no token, nothing to cache."""
    assert not any(SESSION_COOKIE.match(cookie) for cookie in response.headers.getlist("Set-Cookie"))
    assert "code" not in query_of(response.headers.get("Location", ""))
    for word in ('access_token":', 'id_token":', 'refresh_token":'):
        assert word not in response.get_data(as_text=True)
    assert "no-store" in response.headers["Cache-Control"]


def query_of(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query, keep_blank_values=True).items()}


__all__ = ["OTHER_POOL", "POOL", "SECRET", "World", "gives_nothing", "query_of"]
