"""What a rule may write, and in which form (spec B.9, 3 to 8; attacks SAML-K9, OA-R4.15)."""

from __future__ import annotations

from typing import Any

from broker.mapping.values import flatten
from broker.model import schema
from broker.model.settings import AppClient, AttributeSchema, MappingRule, UserPool

GROUPS = "groups"
"""The target that is no attribute: membership in the pool's groups."""
IMPLICIT = frozenset({"username"})
"""Follows from the subject; a rule for it has no effect (spec B.9, 1)."""
_NEVER = frozenset({"sub", "identities", "roles"})
_NEVER_BEGINS = ("cognito:", "dev:")
_NO_ATTRIBUTE = AttributeSchema(GROUPS)


class RuleFailed(Exception):
    """This rule cannot make its attribute. The words quote no value."""


class Refused(Exception):
    """So wrong that the sign-in must end, in Cognito's words."""


def is_forbidden(target: str) -> bool:
    """Whether no mapping may ever write it: who the user is, and what the broker alone says of him."""
    return target in _NEVER or target.startswith(_NEVER_BEGINS)


def check_target(pool: UserPool, client: AppClient | None, rule: MappingRule) -> AttributeSchema:
    """The schema of a rule's target. Raises RuleFailed if it may not be written, Refused if this client may not write it."""
    if rule.target == GROUPS:
        return _NO_ATTRIBUTE
    if is_forbidden(rule.target):
        raise RuleFailed("no mapping may write this")
    known = schema.find(pool, rule.target)
    if known is None:
        raise RuleFailed("Attribute does not exist in the schema")
    if not may_write(client, rule.target):
        raise Refused("A client attempted to write unauthorized attribute")
    return known


def may_write(client: AppClient | None, target: str) -> bool:
    """Only a client with a list of its own restricts a mapping; the verified flags follow their attribute (spec B.9, 4; C.1)."""
    if client is None or client.write_attributes is None:
        return True
    return target in client.write_attributes or target in schema.VERIFIED_FLAGS.values()


def as_attribute(known: AttributeSchema, value: Any) -> str:
    """A value as the profile keeps it. Raises RuleFailed if the schema does not take it, Refused if it is too long for any attribute."""
    if known.name in schema.VERIFIED_FLAGS.values():
        return "true" if schema.parse_verified(value) or (_is_single(value) and schema.parse_verified(value[0])) else "false"
    try:
        made = flatten(value)
    except ValueError as error:
        raise RuleFailed(f"the value is {error}") from None
    if known.data_type == "Boolean":
        made = made.strip().lower()
    elif known.data_type in {"Number", "DateTime"} or known.name in schema.VERIFIED_FLAGS:
        # Blanks around an address or a number are a slip of the directory's, and would make equal ones differ (attack OA-R4.11).
        made = made.strip(" \t\r\n")
    if len(made) > schema.MAX_VALUE:
        raise Refused(f"String must not be longer than {schema.MAX_VALUE} characters")
    wrong = schema.problem(known, made)
    if wrong is not None:
        raise RuleFailed(f"the value {wrong}")
    return made


def _is_single(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(value) == 1
