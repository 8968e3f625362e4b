"""The Principal element of trust and resource policies, and how closely it names who asks (spec F.5, F.6)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from broker.identitypool.policy.arns import is_caller, names_account, parse_oidc_provider, parse_saml_provider
from broker.identitypool.policy.context import Principal
from broker.identitypool.policy.faults import Fault, shown

_HOST = re.compile(r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~%/-]+)?")
_TYPES = ("AWS", "Federated", "Service")


class Level(IntEnum):
    """How closely a policy names the caller. What an Allow gives depends on it (spec F.5, step 3)."""

    NONE = 0
    ACCOUNT = 1
    """The caller's account: the right is delegated to it, and an identity policy must give it on."""
    ROLE = 2
    """The caller's role, or everybody: a boundary and session policies still limit it."""
    SESSION = 3
    """The caller itself: it suffices."""


@dataclass(frozen=True, slots=True)
class Principals:
    """A Principal or NotPrincipal element."""

    everybody: bool
    aws: frozenset[str]
    accounts: frozenset[str]
    federated: frozenset[str]
    services: frozenset[str]
    negated: bool = False

    def level(self, principal: Principal) -> Level:
        """How closely the element names the principal; NONE if the statement is not about it.

        NotPrincipal spares those whom it names, and an account's name there spares none of the callers in it (as IAM has it).
        """
        named = self._named(principal)
        if not self.negated:
            return named
        return Level.NONE if named >= Level.ROLE else Level.ROLE

    def _named(self, principal: Principal) -> Level:
        if principal.kind == "Federated":
            return Level.ROLE if self.everybody or "*" in self.federated or self.federated & principal.names else Level.NONE
        if principal.kind == "Service":
            return Level.ROLE if self.everybody or self.services & principal.names else Level.NONE
        if principal.kind == "AWS":
            if principal.arn and principal.arn in self.aws:
                return Level.SESSION
            if self.everybody or "*" in self.aws or (principal.role_arn and principal.role_arn in self.aws):
                return Level.ROLE
            return Level.ACCOUNT if principal.account and principal.account in self.accounts else Level.NONE
        return Level.ROLE if self.everybody or "*" in self.aws else Level.NONE


def read_principals(element: object, name: str) -> Principals:
    """Read the element called `name`. Raises Fault."""
    if element == "*":
        return _principals({"*": ["*"]}, name)
    if not isinstance(element, Mapping) or not element:
        raise Fault(name, 'it must be "*" or an object such as {"Federated": "cognito-identity.amazonaws.com"}')
    values: dict[str, list[str]] = {}
    for kind, listed in element.items():
        if kind not in _TYPES:
            raise Fault(f"{name}.{kind}", f"{shown(kind)} is no kind of principal; use AWS, Federated or Service")
        texts = listed if isinstance(listed, list) else [listed]
        if not texts or not all(type(text) is str for text in texts):
            raise Fault(f"{name}.{kind}", "it must be a string or a list of strings, and not empty")
        for text in texts:
            _check(kind, text, f"{name}.{kind}")
        values[kind] = texts
    return _principals(values, name)


def _principals(values: Mapping[str, list[str]], name: str) -> Principals:
    aws = values.get("AWS", [])
    return Principals(
        everybody="*" in values,
        aws=frozenset(aws),
        accounts=frozenset(account for text in aws if (account := names_account(text))),
        federated=frozenset(values.get("Federated", ())),
        services=frozenset(values.get("Service", ())),
        negated=name == "NotPrincipal",
    )


def _check(kind: str, text: str, element: str) -> None:
    if text != "*" and ("*" in text or "?" in text):
        raise Fault(element, f"{shown(text)} has a wildcard; a principal is named in full, or is *")
    if kind == "AWS" and not (text == "*" or names_account(text) or is_caller(text)):
        raise Fault(element, f"{shown(text)} is no AWS principal; write an account of twelve digits, or the ARN of a role, session or user")
    if kind == "Federated" and not (text == "*" or _is_provider(text)):
        raise Fault(element, f"{shown(text)} is no federated principal; write a provider's host, or the ARN of an OIDC or SAML provider")
    if kind == "Service" and not (_HOST.fullmatch(text) and "." in text):
        raise Fault(element, f"{shown(text)} is no service; write a name such as events.amazonaws.com")


def _is_provider(text: str) -> bool:
    if not text.startswith("arn:"):
        return _HOST.fullmatch(text) is not None
    for parse in (parse_oidc_provider, parse_saml_provider):
        try:
            parse(text)
        except ValueError:
            continue
        return True
    return False
