"""Short ways to write a policy and ask it, for the tests of this room."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from broker.identitypool.policy.context import Principal, RequestContext
from broker.identitypool.policy.document import Policy, PolicyKind, parse_policy
from broker.identitypool.policy.evaluate import Decision, decide

ACCOUNT = "111111111111"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/team/Reader"
SESSION = Principal.session(ROLE, "ada")
OBJECT = "arn:aws:s3:::bucket/ada/file"

Keys = Mapping[str, "str | tuple[str, ...]"]


def statement(**changed: Any) -> dict[str, Any]:
    """An Allow for everything, with changes; a value of None takes an element away."""
    made = {"Effect": "Allow", "Action": "*", "Resource": "*", **changed}
    return {name: value for name, value in made.items() if value is not None}


def policy(*statements: dict[str, Any], kind: PolicyKind = "identity", version: str = "2012-10-17") -> Policy:
    return parse_policy({"Version": version, "Statement": list(statements)}, kind)


def trust(**changed: Any) -> dict[str, Any]:
    """A statement that lets people who signed in at pool `eu:1` in, with changes."""
    made = {
        "Effect": "Allow",
        "Principal": {"Federated": "cognito-identity.amazonaws.com"},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {
            "StringEquals": {"cognito-identity.amazonaws.com:aud": "eu:1"},
            "ForAnyValue:StringLike": {"cognito-identity.amazonaws.com:amr": "authenticated"},
        },
        **changed,
    }
    return {name: value for name, value in made.items() if value is not None}


def context(action: str = "s3:GetObject", resource: str = OBJECT, keys: Keys | None = None) -> RequestContext:
    return RequestContext(action, resource, SESSION, keys or {})


def ask(*statements: dict[str, Any], action: str = "s3:GetObject", resource: str = OBJECT, keys: Keys | None = None) -> Decision:
    """What one identity policy of these statements says."""
    return decide(context(action, resource, keys), identity=[("p", policy(*statements))])


def holds(operator: str, wanted: Any, value: str | tuple[str, ...] | None, version: str = "2012-10-17", **others: Any) -> bool:
    """Whether a condition on `t:key` holds; `others` are further keys `t:NAME`."""
    made = policy(statement(Condition={operator: {"t:key": wanted}}), version=version)
    keys = {f"t:{name}": each for name, each in others.items()}
    if value is not None:
        keys["t:key"] = value
    return decide(context(keys=keys), identity=[("p", made)]).allowed
