"""What each page shows, as small frozen values: a template reads these and decides nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from broker import errors
from broker.web.errors import N_
from broker.web.i18n import gettext


@dataclass(frozen=True, slots=True)
class Choice:
    """A provider's button. `kind` picks its mark."""

    name: str
    display_name: str
    kind: str


@dataclass(frozen=True, slots=True)
class ChooserView:
    """One button a provider."""

    login: str
    csrf: str = field(repr=False)
    app_name: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class EmailView:
    """An e-mail address first; `choices` are the ways in that need none. `problem` stands beside the field."""

    login: str
    csrf: str = field(repr=False)
    app_name: str
    choices: tuple[Choice, ...] = ()
    email: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Grant:
    """One thing that an app asks for, in plain words; `detail` names a scope that has none."""

    words: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ConsentView:
    """What a third-party app asks for. `scopes` comes back with the answer, so that nobody agrees to what he did not see (OA-P1.20)."""

    login: str
    csrf: str = field(repr=False)
    app_name: str
    grants: tuple[Grant, ...]
    scopes: str


@dataclass(frozen=True, slots=True)
class LogoutView:
    """The question whether to sign out; `fields` are the request that asked."""

    csrf: str = field(repr=False)
    fields: tuple[tuple[str, str], ...] = ()


SCOPE_WORDS = {
    "openid": N_("Know who you are"),
    "email": N_("See your email address"),
    "profile": N_("See your name and profile"),
    "phone": N_("See your phone number"),
    "address": N_("See your postal address"),
    "offline_access": N_("Stay signed in when you are away"),
    "aws.cognito.signin.user.admin": N_("See and change your account"),
}


def grants(scopes: tuple[str, ...], described: Mapping[str, str]) -> tuple[Grant, ...]:
    """Scopes as a person reads them; `described` are the operator's words for his own. `openid` is left out beside anything richer."""
    known = [name for name in SCOPE_WORDS if name in scopes and not (name == "openid" and len(scopes) > 1)]
    others = [name for name in scopes if name not in SCOPE_WORDS]
    plain = tuple(Grant(gettext(SCOPE_WORDS[name])) for name in known)
    return plain + tuple(Grant(described.get(name) or gettext("Use a service on your behalf"), name) for name in others)


def error_named(code: str | None) -> errors.BrokerError:
    """The refusal that has this code, or a plain one; never a word that somebody else wrote."""
    kinds = (kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.BrokerError))
    found = next((kind for kind in kinds if code is not None and kind.code == code), None)
    if found is None or found is errors.FederationFailed:
        return errors.InvalidRequest("error page asked for by address", public=errors.BrokerError.public)
    return found("error page asked for by address")
