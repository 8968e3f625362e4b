"""The sentences in which AWS says no (spec F.5, F.6, E.4), so that people and scripts read what they know."""

from __future__ import annotations

from broker.identitypool.policy.evaluate import Decision, SetKind

_NONE: dict[SetKind, str] = {
    "identity": "no identity-based policy allows",
    "boundary": "no permissions boundary allows",
    "session": "no session policy allows",
    "control": "no service control policy allows",
    "resource": "no resource-based policy allows",
    "trust": "no role trust policy allows",
}
_DENY: dict[SetKind, str] = {
    "identity": "an identity-based policy",
    "boundary": "a permissions boundary",
    "session": "a session policy",
    "control": "a service control policy",
    "resource": "a resource-based policy",
    "trust": "a role trust policy",
}


def refusal(decision: Decision) -> str:
    """The sentence for a caller of an ordinary operation; it names the kind of policy, never which. Raises ValueError on an Allow."""
    if decision.allowed:
        raise ValueError("an allowed request is not refused")
    context = decision.context
    start = f"User: {context.principal.arn or 'anonymous'} is not authorized to perform: {context.action} on resource: {context.resource}"
    if decision.kind == "explicit_deny":
        return f"{start} with an explicit deny in {_DENY[decision.by]}"
    return f"{start} because {_NONE[decision.by]} the {context.action} action"


def not_authorized(action: str) -> str:
    """What AssumeRoleWithWebIdentity and AssumeRoleWithSAML say, whatever the reason: also for a role that does not exist."""
    return f"Not authorized to perform {action}"
