"""What is asked: who wants to do what to which resource, and the context keys that conditions and variables read (spec F.3, F.4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from broker.errors import InvalidRequest
from broker.identitypool.policy.arns import parse_role
from broker.identitypool.policy.glob import fold
from broker.model.sts import ContextValue

COGNITO = "cognito-identity.amazonaws.com"

PrincipalKind = Literal["AWS", "Federated", "Service", "Anonymous"]


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks.

    `names` are what a policy may call a federated or service principal: a provider's name and ARN, and their aliases. `arn` is the caller
    itself (a role's session or a user), `role_arn` its role with the path, `account` the twelve digits, or "" if it is of no account.
    """

    kind: PrincipalKind
    arn: str = ""
    role_arn: str = ""
    account: str = ""
    names: frozenset[str] = frozenset()

    @classmethod
    def session(cls, role_arn: str, session_name: str) -> Principal:
        """A session of a role. Raises ValueError if `role_arn` is not a role's."""
        role = parse_role(role_arn)
        return cls("AWS", arn=str(role.session(session_name)), role_arn=role_arn, account=role.account)

    @classmethod
    def user(cls, arn: str, account: str) -> Principal:
        """A user with long-term keys, such as the operator."""
        return cls("AWS", arn=arn, account=account)

    @classmethod
    def federated(cls, *names: str) -> Principal:
        """Somebody with a token of a provider: the provider's name, its ARN, and every alias of it."""
        return cls("Federated", names=frozenset(names))

    @classmethod
    def service(cls, name: str) -> Principal:
        """A service, such as `events.amazonaws.com`."""
        return cls("Service", names=frozenset((name,)))


ANONYMOUS = Principal("Anonymous")


class ContextKeys:
    """Context keys by name, whatever its case. A tuple is a key of several values, even of one; an empty tuple is no key at all.

    `aliases` are further names of a provider's keys: with `{"auth.example/identity/1": ("cognito-identity.amazonaws.com",)}` the key
    `auth.example/identity/1:aud` is there under the other name as well. Copies are made, never names merged: the keys of one pool's
    issuer are never those of another's (row IP-S1.6).

    Raises InvalidRequest if two spellings of a key have different values: neither may win (row IP-S2.5).
    """

    __slots__ = ("_values",)

    def __init__(self, keys: Mapping[str, ContextValue], aliases: Mapping[str, Iterable[str]] | None = None) -> None:
        values: dict[str, ContextValue] = {}
        for name, value in keys.items():
            _put(values, fold(name), value)
        if aliases:
            for provider, others in aliases.items():
                prefix = fold(provider) + ":"
                for name, value in [(name, value) for name, value in values.items() if name.startswith(prefix)]:
                    for other in others:
                        _put(values, f"{fold(other)}:{name[len(prefix) :]}", value)
        self._values = values

    def get(self, folded: str) -> ContextValue | None:
        """The value of a key whose name is folded already."""
        return self._values.get(folded)

    def single(self, folded: str) -> str | None:
        """The value of a key that has just one; this is what variables read (spec F.4)."""
        value = self._values.get(folded)
        return value if isinstance(value, str) else None

    def items(self) -> Iterable[tuple[str, ContextValue]]:
        """All of them, with folded names."""
        return self._values.items()


def _put(values: dict[str, ContextValue], name: str, value: ContextValue) -> None:
    if value == ():
        return
    if values.setdefault(name, value) != value:
        raise InvalidRequest(f"context key {name!r} has two values", public="The request carries two values for one context key.")


NO_KEYS = ContextKeys({})


@dataclass(frozen=True, slots=True)
class RequestContext:
    """One question. `action` is `service:Name` in any case, `resource` an ARN or `*`, as the caller wrote them.

    `keys` may be a plain mapping; questions that share them should share one ContextKeys.
    """

    action: str
    resource: str
    principal: Principal
    keys: Mapping[str, ContextValue] | ContextKeys = NO_KEYS
    folded_action: str = field(init=False, repr=False)
    values: ContextKeys = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "folded_action", fold(self.action))
        object.__setattr__(self, "values", self.keys if isinstance(self.keys, ContextKeys) else ContextKeys(self.keys))
