"""A SAML identity provider inside the test: it answers our requests at once, which no other party does often or oddly enough."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from providers.base import LoginStart
from tests.fakes.saml_forge import Answer, Attribute, IdpBox, form_value, read_request
from tests.fakes.saml_keys import key
from tests.parties.kit.agent import Agent, Page
from tests.parties.kit.app import UNTIL, App, Journey, Tokens

SSO = "http://127.0.0.1:2/sso"  # nobody is there: the agent stops in front of it
MAPPING = {"email": "email", "name": "name"}


@dataclass(frozen=True)
class Reply:
    """What the identity provider's page would post to us."""

    acs: str
    fields: dict[str, str]
    request_id: str


@dataclass
class ForgedIdp:
    """Signs response and assertion. `requests` are the ids of the AuthnRequests that it has answered."""

    box: IdpBox = field(
        default_factory=lambda: IdpBox("http://127.0.0.1:2/metadata", key("forged-idp"), sso=SSO, slo="http://127.0.0.1:2/slo")
    )
    requests: list[str] = field(default_factory=list)

    def provider(self, name: str = "forged") -> dict[str, object]:
        """Its table in the broker's configuration."""
        return {"name": name, "kind": "saml", "metadata": self.box.metadata(), "mapping": MAPPING}

    def answer(self, page: Page, user: str = "alice", **changes: object) -> Reply:
        """What it says to the request that brought the browser here. `changes` are fields of the fakes' Answer."""
        assert page.url.startswith(SSO), page.shown()
        asked = read_request(LoginStart(method="redirect", url=page.url, fields={}, memo=b""))
        self.requests.append(asked.request_id)
        mail = f"{user}@corp.example"
        said: Answer = replace(
            self.box.answer_to(asked, datetime.now(UTC)),
            name_id=mail, response_id=f"_r{secrets.token_hex(16)}", assertion_id=f"_a{secrets.token_hex(16)}",
            session_index=f"_s{secrets.token_hex(8)}", attributes=(Attribute("email", (mail,)), Attribute("name", (user,))), **changes,
        )  # fmt: skip
        fields = {"SAMLResponse": form_value(self.box.respond(said, "G-B")), "RelayState": asked.relay_state}
        return Reply(asked.acs, fields, asked.request_id)


def browser() -> Agent:
    """A browser that stops in front of the app and of the identity provider."""
    return Agent(UNTIL, SSO)


def start(app: App, agent: Agent, **parameters: str) -> tuple[Journey, Page]:
    """From the app's link to the identity provider."""
    journey = app.begin(**parameters)
    page = agent.open(journey.url)
    assert page.url.startswith(SSO), page.shown()
    return journey, page


def sign_in(app: App, idp: ForgedIdp, agent: Agent, user: str = "alice") -> Tokens:
    """A whole sign-in."""
    journey, page = start(app, agent)
    reply = idp.answer(page, user)
    return app.finish(journey, agent.post(reply.acs, reply.fields))
