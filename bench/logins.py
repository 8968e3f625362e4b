"""Drives whole sign-ins through a broker: browser, SAML identity provider and OIDC client in one. It knows no broker in particular.

A login counts only if `state` comes back, the token endpoint answers 200, and the ID token carries the nonce.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode, urlsplit

from bench.browser import Browser
from bench.party import CLIENT_ID, CLIENT_SECRET, REDIRECT_URI, Party
from bench.server import Server
from providers.base import LoginStart
from tests.fakes.saml_forge import Asked, read_request


@dataclass(frozen=True)
class Broker:
    """A broker to sign in at. `more` has further parameters of the authorization request; `{provider}` in them is the provider's number.

    Logins go over so many providers in turn.
    """

    server: Server
    connect: str
    authorize_url: str
    token_url: str
    more: Mapping[str, str] = field(default_factory=dict)
    providers: int = 1
    client_id: str = CLIENT_ID

    @property
    def basic(self) -> str:
        """How the client proves itself."""
        return "Basic " + base64.b64encode(f"{self.client_id}:{CLIENT_SECRET}".encode()).decode()


@dataclass
class Tally:
    """What a number of logins came to. CPU in milliseconds a login: the server's whole process tree, and this driver."""

    logins: int = 0
    failures: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    seconds: float = 0.0
    cpu_ms: float = 0.0
    driver_ms: float = 0.0


class Crowd:
    """Visitors who sign in at a broker, each from an address of his own, as users `first`, `first + stride`, ... in turn."""

    def __init__(self, party: Party, broker: Broker, *, users: int = 50, first: int = 1, stride: int = 1) -> None:
        self._party, self._broker = party, broker
        self._users, self._first, self._stride = users, first, stride
        self._lock = threading.Lock()
        self._number = 0

    def sign_in(self, logins: int, concurrency: int = 4) -> Tally:
        """Perform a number of logins and say what they cost."""
        tally, left = Tally(), iter(range(logins))
        threads = [threading.Thread(target=self._visit, args=(tally, left)) for _ in range(concurrency)]
        cpu, own, started = self._broker.server.cpu(), time.process_time(), time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        tally.seconds = time.monotonic() - started
        tally.cpu_ms = (self._broker.server.cpu() - cpu) * 1000 / max(1, tally.logins)
        tally.driver_ms = (time.process_time() - own) * 1000 / max(1, tally.logins)
        return tally

    def id_token(self, number: int) -> str:
        """Sign one of them in, by his number, and keep the ID token."""
        browser = Browser(self._broker.connect)
        try:
            return self._login(browser, number)[1]
        finally:
            browser.close()

    def _visit(self, tally: Tally, left: object) -> None:
        browser = Browser(self._broker.connect)
        try:
            while True:
                with self._lock:
                    if next(left, None) is None:  # type: ignore[call-overload]
                        return
                    self._number += 1
                    number = self._number
                try:
                    request, _ = self._login(browser, number)
                except Exception as error:  # whatever goes wrong is a failed login
                    with self._lock:
                        tally.failures.append(f"{type(error).__name__}: {error}"[:400])
                    continue
                with self._lock:
                    tally.logins += 1
                    tally.requests.append(request)
        finally:
            browser.close()

    def _login(self, browser: Browser, number: int) -> tuple[str, str]:
        """One login from end to end; returns the id of the AuthnRequest, and the ID token."""
        provider = number % self._broker.providers
        browser.forget(f"10.{number // 65536 % 256}.{number // 256 % 256}.{number % 256}")
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        query = {
            "response_type": "code",
            "client_id": self._broker.client_id,
            "redirect_uri": REDIRECT_URI,
            "scope": "openid email profile",
            "state": state,
            "nonce": nonce,
            "code_challenge": base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
            **{name: value.replace("{provider}", str(provider)) for name, value in self._broker.more.items()},
        }
        asked = browser.walk("GET", f"{self._broker.authorize_url}?{urlencode(query)}", None, _at_idp)
        user = self._first + self._stride * (number % self._users)
        reply = browser.walk("POST", asked.acs, self._party.respond(asked, user, provider), _at_client)
        if "code" not in reply or reply.get("state") != state:
            raise ValueError(f"the client was sent {reply}")
        form = {"grant_type": "authorization_code", "code": reply["code"], "redirect_uri": REDIRECT_URI, "code_verifier": verifier}
        status, _, text = browser.send("POST", self._broker.token_url, form, {"Authorization": self._broker.basic})
        if status != 200:
            raise ValueError(f"token endpoint: {status} {text[:300]!r}")
        token = str(json.loads(text)["id_token"])
        if json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))["nonce"] != nonce:
            raise ValueError("the ID token has another nonce")
        return asked.request_id, token


def _at_idp(url: str, fields: Mapping[str, str] | None) -> Asked | None:
    """The AuthnRequest, if this is where it goes."""
    if fields and "SAMLRequest" in fields:
        return read_request(LoginStart("form_post", url, dict(fields), b""))
    return read_request(LoginStart("redirect", url, {}, b"")) if "SAMLRequest=" in url else None


def _at_client(url: str, fields: Mapping[str, str] | None) -> Mapping[str, str] | None:
    if url.partition("?")[0] != REDIRECT_URI:
        return None
    return fields or dict(parse_qsl(urlsplit(url).query))
