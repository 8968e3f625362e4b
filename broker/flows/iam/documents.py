"""Policy documents as they are saved: read by the engine that will judge by them, so that what cannot be judged is never kept."""

from __future__ import annotations

from broker.flows.access_kit import AccessKit
from broker.identitypool.policy.document import LARGEST_TRUST, parse_policy
from broker.identitypool.policy.trust import issuers_named, refuse_open_trust

_SPACES = str.maketrans("", "", " \t\r\n")


def check_trust(kit: AccessKit, document: str) -> None:
    """A role's trust policy. Raises MalformedPolicy, also if any identity pool could assume the role (row IP-S1.5)."""
    policy = parse_policy(document, "trust", limit=LARGEST_TRUST)
    refuse_open_trust(policy, issuers_named(policy, kit.identity_base))


def check_identity(document: str) -> None:
    """A role's inline policy. Raises MalformedPolicy."""
    parse_policy(document, "identity")


def check_managed(document: str) -> None:
    """A managed policy. Raises MalformedPolicy."""
    parse_policy(document, "managed")


def inline_size(document: str) -> int:
    """Characters as IAM counts them: without white space."""
    return len(document.translate(_SPACES))
