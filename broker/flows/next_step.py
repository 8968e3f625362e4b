"""What comes next in a login. Pure: the same login and the same sight of the world always give the same step."""

from __future__ import annotations

from dataclasses import dataclass

from broker.errors import AccessDenied, BrokerError, ConsentRequired, LoginRequired
from broker.model.login import Consent, Login
from broker.model.settings import AppClient


@dataclass(frozen=True, slots=True)
class ProviderChoice:
    """A way to sign in, as the chooser shows it."""

    name: str
    display_name: str
    kind: str


@dataclass(frozen=True, slots=True)
class Choose:
    """Ask the user: buttons for `options`, or an e-mail address first."""

    options: tuple[ProviderChoice, ...]
    email_first: bool


@dataclass(frozen=True, slots=True)
class Upstream:
    """Go to this provider without asking."""

    provider: str


@dataclass(frozen=True, slots=True)
class AskConsent:
    """A third-party client wants these scopes and has no standing agreement for all of them."""

    client: AppClient
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Issue:
    """Everything is known: hand out a code."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """Tell the application why not, at its redirect_uri."""

    error: BrokerError


Step = Choose | Upstream | AskConsent | Issue | Refuse


@dataclass(frozen=True, slots=True)
class Sight:
    """What the step depends on besides the login: the ways in, whether a hint has decided, and what the user agreed to before."""

    client: AppClient
    choices: tuple[ProviderChoice, ...]
    email_first: bool = False
    hinted: str | None = None
    consent: Consent | None = None


def next_step(login: Login, sight: Sight) -> Step:
    """Decide. An order of questions; the first that has an answer ends it."""
    silent = "none" in login.request.prompt
    if login.user_sub is not None:
        if login.request.hinted_sub not in {None, login.user_sub}:
            return Refuse(LoginRequired("somebody else signed in than the id_token_hint names"))
        if _needs_consent(login, sight):
            return Refuse(ConsentRequired()) if silent else AskConsent(sight.client, login.request.scopes)
        return Issue()
    if silent:
        return Refuse(LoginRequired())
    if sight.hinted is not None:
        return Upstream(sight.hinted)
    if not sight.choices and not sight.email_first:
        return Refuse(AccessDenied("the client has no live provider", public="This application has no way to sign in."))
    if len(sight.choices) == 1 and not sight.email_first and "select_account" not in login.request.prompt:
        return Upstream(sight.choices[0].name)
    return Choose(sight.choices, sight.email_first)


def _needs_consent(login: Login, sight: Sight) -> bool:
    if not sight.client.third_party or login.consented:
        return False
    if "consent" in login.request.prompt:
        return True
    return sight.consent is None or not set(login.request.scopes) <= set(sight.consent.scopes)
