"""What an answer must match, and the one way to refuse it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NoReturn

from metadata.errors import DocumentInvalid
from metadata.saml.entity import IdpEntity
from metadata.saml.times import read_time
from providers.errors import ResponseInvalid
from providers.saml.memo import Memo
from providers.saml.options import SamlOptions


@dataclass(frozen=True, slots=True)
class Expected:
    """The other half of every check. `memo` is None for an answer that nobody asked for; `callback_url` is where it arrived."""

    idp: IdpEntity
    entity_id: str
    callback_url: str
    now: datetime
    options: SamlOptions
    memo: Memo | None = None

    @property
    def skew(self) -> timedelta:
        """What two clocks may differ."""
        return self.options.skew

    @property
    def certificates(self) -> tuple[str, ...]:
        """The IdP's pinned certificates, PEM."""
        return tuple(key.certificate_pem for key in self.idp.signing_keys)


def refuse(reason: str, private: str = "") -> NoReturn:
    """Raise ResponseInvalid; `private` is for the log only and may quote the message, in `repr` and cut short."""
    raise ResponseInvalid(private or reason, reason=reason)


def quoted(value: object) -> str:
    """Another's words, fit for one line of a log."""
    return repr(str(value)[:120])


@contextmanager
def reading() -> Iterator[None]:
    """Turn the refusals of the floor below (XML, signatures, queries) into ResponseInvalid with the same code as reason."""
    try:
        yield
    except DocumentInvalid as error:
        raise ResponseInvalid(error.private, reason=error.code) from None


def moment(value: str | None, name: str) -> datetime:
    """A mandatory time of a message; `name` is the snake_case name of the attribute, for the reason."""
    if value is None:
        refuse(f"{name}_missing")
    try:
        return read_time(value)
    except ValueError:
        refuse(f"{name}_malformed", quoted(value))
