"""npm openid-client as an app of ours."""

from __future__ import annotations

import json
from typing import Any

import requests

from tests.parties.kit.agent import TIMEOUT, Agent
from tests.parties.kit.node import node
from tests.parties.kit.places import discard, free_port, scratch
from tests.parties.kit.process import Process, answers


class RelyingParty:
    """An app that is somebody else's code. Its addresses are known before it starts, so that they can be registered."""

    def __init__(self, name: str = "openid-client") -> None:
        self.name = name
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.callback = f"{self.url}/callback"
        self.bye = f"{self.url}/bye"
        self.directory = scratch(name)
        self.process: Process | None = None

    def start(self, **settings: Any) -> None:
        """It asks for the discovery document, so the broker must be there."""
        file = self.directory / "settings.json"
        file.write_text(json.dumps({"port": self.port, "scope": "openid email profile", **settings}))
        self.process = Process(self.name, [*node("relying_party.mjs"), str(file)])
        self.process.wait(answers(self.bye))

    def call(self, path: str, *, status: int = 200, **parameters: str) -> dict[str, Any]:
        """Ask one of its pages that needs no browser."""
        reply = requests.get(f"{self.url}{path}", params=parameters, timeout=TIMEOUT)
        assert reply.status_code == status, reply.text
        return dict(reply.json())

    def sign_in(self, agent: Agent, user: str = "alice", password: str = "alicepass", query: str = "") -> dict[str, Any]:
        """A whole sign-in; what openid-client made of it."""
        page = agent.open(f"{self.url}/login{query}")
        if page.asks_password:
            page = agent.sign_in(page, user, password)
        assert page.url.startswith(self.callback), page.shown()
        assert page.status == 200, page.content.decode()
        return dict(json.loads(page.content))

    def close(self) -> None:
        if self.process is not None:
            self.process.stop()
        discard(self.directory)
