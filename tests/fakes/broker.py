"""A whole broker in one process: the real wiring on SQLite in a temporary folder, reached through its WSGI app as a browser reaches it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
from dataclasses import dataclass, field, replace
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import Certificate, load_pem_x509_certificate
from werkzeug.test import Client, TestResponse

from broker.app import create_app
from broker.config import Config, declare, loads
from broker.flows.pool.apply import apply
from broker.stores.sql.migrate import migrate
from broker.wiring import Wired, build
from providers.base import KeyPair, LoginStart
from tests.fakes.clock import MovableClock
from tests.fakes.saml_forge import Answer, Base, Edit, IdpBox, form_value, read_request
from tests.fakes.saml_keys import Key, key

PUBLIC = "http://localhost:8080"
POOL = "local_Test1"
REDIRECT = "https://app.example/cb"
SECRET = "s" * 32


@dataclass
class Flow:
    """What an app remembers of a sign-in it began."""

    state: str
    nonce: str
    verifier: str
    client_id: str
    redirect_uri: str = REDIRECT


class Browser:
    """A browser without scripts: keeps cookies, follows redirects within the broker, fills in forms when told to."""

    def __init__(self, broker: TestBroker, base: str = PUBLIC) -> None:
        self.client = Client(broker.app)
        self.base = base

    def get(self, url: str, **kwargs: Any) -> TestResponse:
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}" if parts.netloc else self.base
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        return self.client.get(path, base_url=origin, **kwargs)

    def post(self, url: str, fields: dict[str, str] | list[tuple[str, str]], **kwargs: Any) -> TestResponse:
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}" if parts.netloc else self.base
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        body = urlencode(fields)
        return self.client.post(path, base_url=origin, data=body, content_type="application/x-www-form-urlencoded", **kwargs)

    def send_form(self, page: TestResponse, **changes: str) -> TestResponse:
        """Submit the first form of a page, its hidden fields as they are."""
        html = page.get_data(as_text=True)
        action = unescape(re.search(r'<form[^>]*action="([^"]*)"', html).group(1))  # type: ignore[union-attr]
        pairs = {
            unescape(re.search(r'name="([^"]*)"', tag).group(1)): unescape((re.search(r'value="([^"]*)"', tag) or [None, ""])[1])  # type: ignore[union-attr,index]
            for tag in re.findall(r"<input[^>]*>", html)
            if 'name="' in tag
        }
        return self.post(action, {**pairs, **changes})


@dataclass
class TestBroker:
    """The broker, its app, and the identity providers it knows. Use `TestBroker.start(tmp_path)`."""

    __test__ = False

    config: Config
    wired: Wired
    clock: MovableClock
    idp: IdpBox
    app: Any = field(init=False)

    def __post_init__(self) -> None:
        self.app = create_app(self.wired)

    @classmethod
    def start(cls, folder: Path, toml: str, idp: IdpBox | None = None) -> TestBroker:
        """Load, migrate, apply, mount. `toml` may use {metadata} for the SAML IdP's metadata file."""
        box = idp or IdpBox("https://idp.example/metadata", key("idp"))
        metadata = folder / "idp.xml"
        metadata.write_text(box.metadata())
        config = loads(toml.replace("{metadata}", str(metadata)), folder / "crossgate.toml")
        migrate(config.store.url)
        clock = MovableClock()
        wired = build(config, clock)
        apply(wired.store, declare(config), prune=False)
        ours = wired.kit.keys.key_pairs(POOL, "saml_decryption")[0]
        box = replace(box, sp_encryption=Key("broker", load_pem_private_key(ours.private_pem.encode(), None), certificate(ours)))
        return cls(config, wired, clock, box)

    def browser(self, base: str = PUBLIC) -> Browser:
        return Browser(self, base)

    def issuer(self, pool: str = POOL) -> str:
        return f"{self.config.server.public_url.rstrip('/')}/{pool}"

    # --- the app's side --------------------------------------------------------------------------------------------------------------

    def begin(self, browser: Browser, client_id: str = "app", pool: str = POOL, **params: str) -> tuple[Flow, TestResponse]:
        """Send the browser to authorize as an honest app does."""
        flow = Flow(secrets.token_urlsafe(8), secrets.token_urlsafe(8), secrets.token_urlsafe(48), client_id)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(flow.verifier.encode()).digest()).rstrip(b"=").decode()
        query = {
            "response_type": "code",
            "client_id": client_id,
            "redirect_uri": REDIRECT,
            "scope": "openid email profile",
            "state": flow.state,
            "nonce": flow.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            **params,
        }
        query = {name: value for name, value in query.items() if value}
        return flow, browser.get(f"{self.issuer(pool)}/oauth2/authorize?{urlencode(query)}")

    def code_of(self, flow: Flow, response: TestResponse) -> str:
        """The code in a redirect to the app; asserts that state and iss came along."""
        assert response.status_code == 303, response.get_data(as_text=True)[:2000]
        answer = {name: values[0] for name, values in parse_qs(urlsplit(response.location).query).items()}
        assert response.location.startswith(flow.redirect_uri), response.location
        assert answer.get("state") == flow.state, answer
        assert "code" in answer, answer
        return answer["code"]

    def token(self, form: dict[str, str], client_id: str = "app", secret: str | None = SECRET, pool: str = POOL) -> TestResponse:
        """POST to the token endpoint with client_secret_basic."""
        headers = {}
        if secret is not None:
            headers["Authorization"] = "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()
        else:
            form = {**form, "client_id": client_id}
        return self.browser().post(f"{self.issuer(pool)}/oauth2/token", form, headers=headers)

    def redeem(self, flow: Flow, code: str, secret: str | None = SECRET, **changes: str) -> TestResponse:
        """Exchange a code."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": flow.redirect_uri,
            "code_verifier": flow.verifier,
            **changes,
        }
        return self.token(form, flow.client_id, secret)

    # --- the identity provider's side ------------------------------------------------------------------------------------------------

    def saml_answer(self, sent: TestResponse, base: Base = "G-B", edit: Edit | None = None, **changes: Any) -> dict[str, str]:
        """What the SAML IdP posts back to the request in a redirect: SAMLResponse and RelayState."""
        query = urlsplit(sent.location).query
        asked = read_request(LoginStart("redirect", sent.location, {}, b""))
        answer = self.idp.answer_to(asked, self.clock.now())
        answer = replace_answer(answer, changes)
        document = self.idp.respond(answer, base, edit)
        return {"SAMLResponse": form_value(document), "RelayState": dict(parse_qsl(query))["RelayState"]}

    def post_acs(self, browser: Browser, fields: dict[str, str], pool: str = POOL) -> TestResponse:
        """Post to the ACS as a browser does on plain http: the first post comes without the Lax cookie and is bounced."""
        return browser.post(f"{self.issuer(pool)}/saml2/idpresponse", {**fields, "crossgate_bounced": "1"})

    def saml_login(self, browser: Browser, client_id: str = "app", base: Base = "G-B", **changes: Any) -> tuple[Flow, str]:
        """A whole SAML sign-in; returns the flow and the code."""
        flow, sent = self.begin(browser, client_id, identity_provider="corp")
        fields = self.saml_answer(sent, base, **changes)
        return flow, self.code_of(flow, self.post_acs(browser, fields))


def certificate(pair: KeyPair) -> Certificate:
    """The certificate of a key of ours."""
    return load_pem_x509_certificate(pair.certificate_pem.encode())


def replace_answer(answer: Answer, changes: dict[str, Any]) -> Answer:
    """The answer with some fields changed; fresh ids, so that two sign-ins are two assertions."""
    unique = secrets.token_hex(8)
    return replace(answer, **{"response_id": f"_r{unique}", "assertion_id": f"_a{unique}", **changes})


def claims_of(token: str) -> dict[str, Any]:
    """The payload of a JWT, unverified: signatures have their own tests."""
    body = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return claims
