"""The decision, in the order of spec F.5. Deciding never raises, and a decision carries the statement that made it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from broker.identitypool.policy.arns import account_of
from broker.identitypool.policy.context import RequestContext
from broker.identitypool.policy.document import Policy, Statement
from broker.identitypool.policy.principals import Level

Named = tuple[str, Policy]
"""A policy and the name by which explanations call it."""

SetKind = Literal["identity", "session", "resource", "boundary", "control", "trust"]
"""Where a policy stands. `control` are the organization's own limits (service control policies)."""


@dataclass(frozen=True, slots=True)
class Policies:
    """Everything that bears on one question. `session` holds inline and managed session policies: together they are one set.

    Sets that are empty or None are not there, save `identity`: a caller without identity policies may do nothing.
    """

    identity: Sequence[Named] = ()
    session: Sequence[Named] | None = None
    resource: Named | None = None
    boundary: Named | None = None
    control: Sequence[Named] | None = None
    trust: bool = False
    """The resource is a role and `resource` its trust policy, without whose Allow nothing goes (spec F.6)."""

    def sets(self) -> tuple[tuple[SetKind, Sequence[Named]], ...]:
        """The sets that are there, in the order in which a Deny is looked for."""
        found: list[tuple[SetKind, Sequence[Named]]] = [("identity", self.identity)]
        if self.boundary is not None:
            found.append(("boundary", (self.boundary,)))
        if self.session:
            found.append(("session", self.session))
        if self.control:
            found.append(("control", self.control))
        if self.resource is not None:
            found.append(("trust" if self.trust else "resource", (self.resource,)))
        return tuple(found)


NOTHING = Policies()


@dataclass(frozen=True, slots=True)
class Decision:
    """Yes or no, and why.

    `by` is the kind of policy that decided; `policy`, `statement` (its index, from 0) and `sid` say which. When nothing allowed, `by` is
    the set that should have, and `statement` is None. `context` is the question.
    """

    kind: Literal["allow", "explicit_deny", "implicit_deny"]
    by: SetKind
    context: RequestContext
    policy: str = ""
    statement: int | None = None
    sid: str = ""

    @property
    def allowed(self) -> bool:
        return self.kind == "allow"

    @property
    def reason(self) -> str:
        """One sentence for logs and traces."""
        if self.kind == "implicit_deny":
            return f"no {self.by} policy allows {self.context.action}"
        verb = "allows" if self.allowed else "denies"
        sid = f" ({self.sid})" if self.sid else ""
        return f"statement {self.statement}{sid} of {self.by} policy {self.policy or 'without name'} {verb} {self.context.action}"


def decide(
    context: RequestContext,
    *,
    identity: Sequence[Named],
    session: Sequence[Named] | None = None,
    resource: Named | None = None,
    boundary: Named | None = None,
) -> Decision:
    """Judge one request of a role's session (spec F.5).

    A resource in another account than the caller's needs the Allow of both sides: without a resource policy it is refused.
    """
    return judge(context, Policies(identity, session, resource, boundary))


def judge(context: RequestContext, policies: Policies) -> Decision:
    """As `decide`, with everything that may bear on the question."""
    allows: dict[SetKind, tuple[str, Statement]] = {}
    level = Level.NONE
    for kind, named in policies.sets():
        for name, policy in named:
            for statement in policy.statements:
                if (statement.allow and kind in allows and statement.principals is None) or not applies(statement, context):
                    continue
                if not statement.allow:
                    return Decision("explicit_deny", kind, context, name, statement.index, statement.sid)
                if statement.principals is not None:
                    closer = statement.principals.level(context.principal)
                    if closer <= level:
                        continue
                    level = closer
                allows[kind] = (name, statement)
    return _weigh(context, policies, allows, level)


def applies(statement: Statement, context: RequestContext) -> bool:
    """Whether a statement is about the request: action, resource, principal and all conditions match (spec F.2)."""
    if not statement.actions.applies(context.folded_action):
        return False
    keys = context.values
    resources = statement.resources
    if resources is not None and not resources.applies(context.resource, keys.single, statement.allow):
        return False
    if statement.principals is not None and not statement.principals.level(context.principal):
        return False
    for condition in statement.conditions:  # noqa: SIM110 - a generator would cost more than most conditions
        if not condition.holds(keys):
            return False
    return True


def _weigh(context: RequestContext, policies: Policies, allows: dict[SetKind, tuple[str, Statement]], level: Level) -> Decision:
    """Nothing denies: look for the Allows that are needed, in the order of F.5."""
    needed: list[SetKind] = []
    resource: SetKind = "trust" if policies.trust else "resource"
    if policies.control:
        needed.append("control")
    apart = _of_two_accounts(context)
    if policies.trust or apart:
        needed.append(resource)
    suffices = level >= Level.ROLE and not apart
    if not suffices:
        needed.append("identity")
    # A resource policy that names the session itself passes by the limits of its own account; one that names the role does not.
    if level < Level.SESSION or apart:
        if policies.boundary is not None:
            needed.append("boundary")
        if policies.session:
            needed.append("session")
    for kind in needed:
        if kind not in allows:
            return Decision("implicit_deny", kind, context)
    giver = resource if suffices else "identity"
    name, statement = allows[giver]
    return Decision("allow", giver, context, name, statement.index, statement.sid)


def _of_two_accounts(context: RequestContext) -> bool:
    account = context.principal.account
    if not account:
        return False
    other = account_of(context.resource)
    return other not in {"", account}
