"""What a line of an OPERATIONS table says, and what its handler is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Concatenate, Literal, ParamSpec, TypeVar

from broker.flows.access_kit import AccessKit
from broker.model.sts import Caller

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Call:
    """One call: its checked input by the model's names, who signed it (nobody, for an unsigned one), and what only the wire knows."""

    kit: AccessKit
    values: Mapping[str, Any]
    caller: Caller | None = None
    around: Mapping[str, str] = field(default_factory=dict)

    def run(self, flow: Callable[Concatenate[AccessKit, P], R], *args: P.args, **named: P.kwargs) -> R:
        """A use case, with its tools."""
        return flow(self.kit, *args, **named)

    def change(self, flow: Callable[Concatenate[AccessKit, Caller, P], R], *args: P.args, **named: P.kwargs) -> R:
        """A use case that asks who wants it."""
        return flow(self.kit, self.by, *args, **named)

    @property
    def by(self) -> Caller:
        """Who signed. Only for operations whose row says sigv4."""
        if self.caller is None:
            raise AssertionError("an unsigned operation asked for its caller")
        return self.caller

    def get(self, name: str, default: Any = None) -> Any:
        """A member, or `default` where it was left out."""
        return self.values.get(name, default)


Handler = Callable[[Call], Mapping[str, Any] | None]
Resource = Callable[[Call], str]
Auth = Literal["none", "token", "sigv4"]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation.

    `auth`: nobody needs to prove anything to call it, or an access token among its members does, or a signature. `resource` is the ARN on
    which a signed caller must be allowed `service:Name`; None where the operation itself judges, or nothing is needed (spec E.4). `unlike`
    says what is not as AWS has it.
    """

    name: str
    auth: Auth
    handler: Handler
    resource: Resource | None = None
    unlike: str = ""


def anything(call: Call) -> str:
    """For operations that have no resource of their own."""
    return "*"
