"""What a face may call: the use cases, bound to their tools. One member a use case; `broker.wiring` fills it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from broker.errors import BrokerError
from broker.flows import authorize as authorizing
from broker.flows import (
    choices,
    consent,
    finish_login,
    introspect,
    issue_code,
    logins,
    logout,
    par,
    revoke,
    sessions,
    unsolicited,
    upstream_logout,
    userinfo,
)
from broker.flows import start_login as starting
from broker.flows.authorize import AuthorizeAsk, Started
from broker.flows.finish_login import FinishAsk, Finished
from broker.flows.grants import exchange
from broker.flows.grants.client_auth import Credentials
from broker.flows.issue_code import Answer
from broker.flows.kit import FlowKit
from broker.flows.logout import LoggedOut, LogoutAsk
from broker.flows.next_step import Step, next_step
from broker.flows.sp_metadata import sp_metadata
from broker.flows.upstream_logout import LogoutCome
from broker.model.login import Login, Session
from broker.model.settings import UserPool
from broker.services.access import AccessServices
from broker.tokens.issue import TokenSet
from providers.base import Inbound, LoginStart


@dataclass(frozen=True, slots=True)
class Services:
    """Every member raises the errors that its use case names; a face turns them into its own wire."""

    kit: FlowKit
    access: AccessServices

    # --- a login, from request to code -----------------------------------------------------------------------------------------------

    def authorize(self, ask: AuthorizeAsk) -> Started:
        """Begin a login."""
        return authorizing.authorize(self.kit, ask, partial(par.pushed, self.kit, ask.pool))

    def load_login(self, pool: UserPool, handle: str, browser_secret: str | None) -> Login:
        """The login of this browser."""
        return logins.load(self.kit, pool.id, handle, browser_secret)

    def next_step(self, pool: UserPool, login: Login) -> Step:
        """What comes next in it."""
        client = starting.client_of(self.kit, login)
        return next_step(login, choices.sight_of(self.kit, pool, client, login))

    def route_email(self, pool: UserPool, login: Login, address: str) -> str | None:
        """The provider that an e-mail address leads to."""
        return choices.route_email(self.kit, pool, starting.client_of(self.kit, login), address)

    def start_login(self, pool: UserPool, login: Login, provider: str) -> LoginStart:
        """Go upstream."""
        return starting.start_login(self.kit, pool, login, provider)

    def finish_login(self, ask: FinishAsk) -> Finished:
        """Come back from upstream."""
        return finish_login.finish_login(self.kit, ask)

    def finish_unsolicited(self, ask: FinishAsk, relay: dict[str, str]) -> tuple[Finished, str]:
        """Come from upstream unasked."""
        return unsolicited.finish_unsolicited(self.kit, ask, relay)

    def record_consent(self, login: Login, agreed: bool) -> Login:
        """Keep the user's answer to the consent page."""
        return consent.record_consent(self.kit, login, agreed)

    def issue_code(self, pool: UserPool, login: Login) -> Answer:
        """End the login with a code."""
        return issue_code.issue_code(self.kit, pool, login)

    def refuse_login(self, pool: UserPool, login: Login, error: BrokerError) -> None:
        """End the login without one."""
        issue_code.refuse_login(self.kit, pool, login, error)

    def error_answer(self, pool: UserPool, redirect_uri: str, state: str | None, error: tuple[str, str]) -> Answer:
        """An error in the form the application expects it."""
        return issue_code.error_answer(self.kit, pool, redirect_uri, state, error)

    def current_session(self, pool: UserPool, cookie: str | None) -> Session | None:
        """Who is signed in in this browser."""
        return sessions.current_session(self.kit, pool, cookie)

    # --- endpoints for clients -------------------------------------------------------------------------------------------------------

    def exchange(self, pool: UserPool, given: Credentials) -> TokenSet:
        """The token endpoint."""
        return exchange.exchange(self.kit, pool, given)

    def push(self, pool: UserPool, given: Credentials) -> tuple[str, int]:
        """The pushed authorization request endpoint."""
        return par.push(self.kit, pool, given)

    def revoke(self, pool: UserPool, given: Credentials) -> None:
        """The revocation endpoint."""
        revoke.revoke(self.kit, pool, given)

    def introspect(self, pool: UserPool, given: Credentials) -> dict[str, Any]:
        """The introspection endpoint."""
        return introspect.introspect(self.kit, pool, given)

    def userinfo(self, pool: UserPool, token: str) -> dict[str, str]:
        """The userInfo endpoint."""
        return userinfo.userinfo(self.kit, pool, token)

    def jwks(self, pool: UserPool) -> dict[str, list[dict[str, Any]]]:
        """The pool's public keys."""
        return self.kit.keys.jwks(pool.id)

    def issuer(self, pool: UserPool) -> str:
        """The pool's `iss`."""
        return self.kit.addresses.issuer(pool)

    def canonical_base(self, pool: UserPool) -> str:
        """The base of the pool's endpoints as discovery names them."""
        return self.kit.addresses.canonical(pool)

    # --- logout, and the SAML side ---------------------------------------------------------------------------------------------------

    def read_logout(self, pool: UserPool, params: Mapping[str, str]) -> LogoutAsk:
        """Check a logout request."""
        return logout.read_logout(self.kit, pool, params)

    def logout(self, pool: UserPool, ask: LogoutAsk, cookie: str | None, base_url: str) -> LoggedOut:
        """End this browser's session."""
        return logout.logout(self.kit, pool, ask, cookie, base_url)

    def finish_upstream_logout(self, pool: UserPool, handle: str, inbound: Inbound) -> str | None:
        """The upstream answered our logout request."""
        return upstream_logout.finish_upstream_logout(self.kit, pool, handle, inbound)

    def receive_logout(self, come: LogoutCome) -> LoginStart | None:
        """The upstream demands a logout."""
        return upstream_logout.receive_logout(self.kit, come)

    def sp_metadata(self, pool: UserPool) -> bytes:
        """Our signed SAML metadata."""
        return sp_metadata(self.kit, pool)

    def ready(self) -> None:
        """Raises Unavailable unless the stores answer."""
        self.kit.store.ping()
        self.kit.transient.get("ready", "probe")
