"""Honest requests to spoil. Each is good as it stands, in the middle of a real sign-in: only then does bad input reach the code behind."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlsplit

from tests.fakes.oidc_op import FakeOp
from tests.fakes.saml_logout import LogoutAsk, posted, redirected
from tests.fuzz.routes import Route
from tests.fuzz.wire import Letter, Pairs
from tests.parties.kit.agent import Agent, Page
from tests.parties.kit.app import CALLBACK, SIGNED_OUT, UNTIL, App, Journey
from tests.parties.kit.broker import CLIENT_SECRET, OIDC_MAPPING, Broker, client, pool
from tests.parties.kit.forged_idp import SSO, ForgedIdp

POOL = "fuzz_Pool"
FORM = ("Content-Type", b"application/x-www-form-urlencoded")


def start_broker(idp: ForgedIdp, op: FakeOp) -> Broker:
    """A broker with everything that a route may ask for."""
    oidc = {
        "name": "workforce", "kind": "oidc", "issuer": op.issuer, "client_id": "client-1", "client_secret": op.clients["client-1"],
        "mapping": OIDC_MAPPING, "logout": False,
    }  # fmt: skip
    api = {"identifier": "api", "scopes": [{"name": "read"}]}
    clients = [client(), client(id="guest", third_party=True)]
    return Broker([pool(POOL, [{**idp.provider(), "sign_out": True}, oidc], clients, resource_server=[api])], name="broker-fuzz")


class Honest:
    """Makes honest requests, by the name of the route. Not for several threads at once."""

    def __init__(self, broker: Broker, idp: ForgedIdp, op: FakeOp) -> None:
        self._broker, self._idp, self._op = broker, idp, op
        self._base = f"/{POOL}"
        self._app = App(broker.issuer(POOL), "app", CLIENT_SECRET)
        self._guest = App(broker.issuer(POOL), "guest", CLIENT_SECRET)
        self._makers: dict[str, Callable[[Agent], Pairs]] = {
            "GET /oauth2/authorize": self._authorize,
            "POST /oauth2/par": self._authorize,
            "POST /oauth2/token": self._code,
            "POST /oauth2/revoke": self._refresh_token,
            "POST /oauth2/introspect": self._refresh_token,
            "GET /login": self._chooser,
            "POST /login": lambda agent: [*self._form(agent, self._begin(agent)), ("provider", b"forged")],
            "GET /consent": lambda agent: self._query(self._consent(agent)),
            "POST /consent": lambda agent: [*self._form(agent, self._consent(agent)), ("agree", b"yes")],
            "GET /logout": self._logout,
            "POST /logout": lambda agent: self._form(agent, self._ask_logout(agent)),
            "GET /signedout": lambda agent: [("state", secrets.token_urlsafe(32).encode())],
            "GET /error": lambda agent: [("error", b"access_denied")],
            "GET /oauth2/idpresponse": self._callback,
            "POST /oauth2/idpresponse": self._callback,
            "POST /oauth2/idplogout/<provider>": lambda agent: [("logout_token", op.logout_token().encode())],
            "POST /saml2/idpresponse": self._response,
            "GET /saml2/logout": self._logout_request,
            "POST /saml2/logout": self._logout_request_posted,
            "GET /": lambda agent: self._web_identity(agent),
            "POST /": lambda agent: self._web_identity(agent),
        }

    def letter(self, route: Route) -> Letter:
        """A request of this route that would succeed. The server's answer to it may be worth nothing a second time."""
        agent = Agent(UNTIL, SSO, f"{self._op.issuer}/authorize")
        maker = self._makers.get(route.name)
        fields = maker(agent) if maker else []
        headers: Pairs = [("Host", self._broker.public_url.removeprefix("http://").encode())]
        if route.method == "POST":
            headers.append(FORM)
        if route.rule in ("/oauth2/token", "/oauth2/par", "/oauth2/revoke", "/oauth2/introspect"):
            fields += [("client_id", b"app"), ("client_secret", CLIENT_SECRET.encode())]
        if route.rule == "/oauth2/userInfo":
            headers.append(("Authorization", b"Bearer " + self._tokens(agent)["access_token"].encode()))
        path = (
            route.rule.replace("<uuid>", "6a4f1d3e-8b7c-4c2a-9f3e-2d1c0b9a8f7e")
            .replace("<provider>", "workforce")
            .replace("<path:name>", "crossgate.css")
        )
        return Letter(
            route.method,
            ("" if route.bare else self._base).encode() + path.encode(),
            query=[] if route.form or route.method == "POST" else fields,
            form=fields if route.method == "POST" else None,
            headers=headers,
            cookies=[(cookie.name, (cookie.value or "").encode()) for cookie in agent.session.cookies],
        )

    def works(self) -> bool:
        """Whether an honest person still gets in, by both ways."""
        agent = Agent(UNTIL, SSO, f"{self._op.issuer}/authorize")
        return "id_token" in self._tokens(agent)

    # --- pieces of a sign-in ---------------------------------------------------------------------------------------------------------

    def _begin(self, agent: Agent, app: App | None = None, **parameters: str) -> Page:
        return agent.open((app or self._app).begin(**parameters).url)

    def _form(self, agent: Agent, page: Page) -> Pairs:
        fields = dict(page.document.forms[0].form_values())
        return [(name, value.encode()) for name, value in fields.items()]

    def _query(self, page: Page) -> Pairs:
        return [(name, value.encode()) for name, value in page.query.items()]

    def _authorize(self, agent: Agent) -> Pairs:
        pairs = parse_qsl(urlsplit(self._app.begin().url).query)
        return [(name, value.encode()) for name, value in pairs if name != "client_id"] + [("client_id", b"app")] * (len(pairs) > 0)

    def _web_identity(self, agent: Agent) -> Pairs:
        """AssumeRoleWithWebIdentity with a real token, for a role that does not take it."""
        return [
            ("Action", b"AssumeRoleWithWebIdentity"),
            ("Version", b"2011-06-15"),
            ("RoleArn", b"arn:aws:iam::000000000000:role/nobody"),
            ("RoleSessionName", b"fuzz"),
            ("WebIdentityToken", self._tokens(agent)["id_token"].encode()),
        ]

    def _chooser(self, agent: Agent) -> Pairs:
        return self._query(self._begin(agent))

    def _answered(self, agent: Agent, app: App, **parameters: str) -> tuple[Journey, Page]:
        journey = app.begin(identity_provider="forged", **parameters)
        reply = self._idp.answer(agent.open(journey.url))
        page = agent.post(reply.acs, reply.fields)
        assert "error" not in page.query, page.url
        return journey, page

    def _consent(self, agent: Agent) -> Page:
        return self._answered(agent, self._guest, prompt="consent")[1]

    def _code(self, agent: Agent) -> Pairs:
        journey, page = self._answered(agent, self._app)
        return [
            ("grant_type", b"authorization_code"), ("code", page.query["code"].encode()), ("redirect_uri", CALLBACK.encode()),
            ("code_verifier", journey.verifier.encode()),
        ]  # fmt: skip

    def _tokens(self, agent: Agent) -> dict[str, str]:
        journey, page = self._answered(agent, self._app)
        answer = self._app.redeem(journey, page)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def _refresh_token(self, agent: Agent) -> Pairs:
        return [("token", self._tokens(agent)["refresh_token"].encode()), ("token_type_hint", b"refresh_token")]

    def _logout(self, agent: Agent) -> Pairs:
        token = self._tokens(agent)["id_token"]
        return [("id_token_hint", token.encode()), ("post_logout_redirect_uri", SIGNED_OUT.encode()), ("state", b"s")]

    def _ask_logout(self, agent: Agent) -> Page:
        self._tokens(agent)
        return agent.open(f"{self._broker.issuer(POOL)}/logout")

    def _callback(self, agent: Agent) -> Pairs:
        page = self._begin(agent, identity_provider="workforce")
        return [(name, value.encode()) for name, value in self._op.browse(page.url)]

    def _response(self, agent: Agent) -> Pairs:
        reply = self._idp.answer(self._begin(agent, identity_provider="forged"))
        return [(name, value.encode()) for name, value in reply.fields.items()]

    def _demand(self) -> str:
        box = self._idp.box
        destination = f"{self._broker.issuer(POOL)}/saml2/logout"
        return LogoutAsk(box.entity_id, destination, datetime.now(UTC), message_id=f"_l{secrets.token_hex(16)}").markup()

    def _logout_request(self, agent: Agent) -> Pairs:
        query = redirected("SAMLRequest", self._demand(), self._idp.box.key)
        return [(name, value.encode()) for name, value in parse_qsl(query)]

    def _logout_request_posted(self, agent: Agent) -> Pairs:
        from tests.fakes.saml_forge import form_value

        return [("SAMLRequest", form_value(posted(self._demand(), self._idp.box.key)).encode()), ("RelayState", b"r")]
