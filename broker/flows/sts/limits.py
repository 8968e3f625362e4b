"""What a caller may ask of a session: how long, called what, carrying what (spec E.4; attacks IP-S1.24, IP-S1.26, IP-S2.11)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from broker.api_errors import PackedPolicyTooLarge, ValidationFailed
from broker.flows.access_kit import AccessKit
from broker.identitypool.policy.document import compiled
from broker.identitypool.roles import policy_of
from broker.identitypool.tag_names import MAX_TAGS, key_fault, tag_fault

SESSION_NAME = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
SOURCE_IDENTITY = re.compile(r"[\w+=,.@-]{2,256}", re.ASCII)
MIN_SECONDS, MAX_SECONDS, DEFAULT_SECONDS = 900, 43_200, 3600
CHAINED_SECONDS = 3600
MAX_POLICY_ARNS = 10
PACKED_BYTES = 4096
"""Octets of session policies and tags that make 100 per cent. AWS compresses before it counts and does not say how; here nothing is."""


def session_name(name: str) -> str:
    """The name, which goes into ARNs, logs and policies as it is. Raises ValidationFailed."""
    if not SESSION_NAME.fullmatch(name):
        _refuse("roleSessionName", "Member must satisfy regular expression pattern: [\\w+=,.@-]{2,64}")
    return name


def source_identity(name: str | None) -> str | None:
    """Raises ValidationFailed."""
    if name is not None and (not SOURCE_IDENTITY.fullmatch(name) or name.casefold().startswith("aws:")):
        _refuse("sourceIdentity", "Member must satisfy regular expression pattern: [\\w+=,.@-]{2,256}")
    return name


def same_source_identity(asked: str | None, set_before: str) -> str:
    """It is set once and goes through the whole chain (spec E.4). Raises ValidationFailed."""
    if asked is not None and asked != set_before:
        words = "SourceIdentity is already set in the calling session and cannot be changed."
        raise ValidationFailed(words, public=words)
    return set_before


def seconds(asked: int | None, most: int, default: int = DEFAULT_SECONDS) -> int:
    """How long a session lasts; `most` is the role's longest. Nothing asked for is never too long. Raises ValidationFailed."""
    if asked is None:
        return min(default, most)
    if asked < MIN_SECONDS:
        _refuse("durationSeconds", f"Member must have value greater than or equal to {MIN_SECONDS}")
    if asked > MAX_SECONDS:
        _refuse("durationSeconds", f"Member must have value less than or equal to {MAX_SECONDS}")
    if asked > most:
        words = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
        raise ValidationFailed(f"{asked} seconds asked, {most} allowed", public=words)
    return asked


def tags(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Session tags, by key. Raises ValidationFailed; nothing is repaired or dropped."""
    given = tuple(pairs)
    fault = tag_fault(given)
    if fault:
        raise ValidationFailed(fault, public=fault)
    return dict(given)


def transitive_keys(keys: Iterable[str], among: Mapping[str, str]) -> tuple[str, ...]:
    """Keys of tags that go on into further sessions: each must be one of the tags passed. In their spelling. Raises ValidationFailed."""
    passed = {key.casefold(): key for key in among}
    found: list[str] = []
    for key in keys:
        if key_fault(key) or key.casefold() not in passed:
            words = "The specified transitive tag key must be included in the requested tags."
            raise ValidationFailed(f"transitive key {key[:128]!r}", public=words)
        found.append(passed[key.casefold()])
    return tuple(dict.fromkeys(found))


def merged(passed: Mapping[str, str], inherited: Mapping[str, str]) -> dict[str, str]:
    """A chained session's tags. Those inherited cannot be given another value (spec E.4). Raises ValidationFailed."""
    bound = {key.casefold() for key in inherited}
    for key in passed:
        if key.casefold() in bound:
            words = f"The tag {key} can't be set because it conflicts with a transitive tag key from the calling session."
            raise ValidationFailed(words, public=words)
    together = {**inherited, **passed}
    if len(together) > MAX_TAGS:
        raise ValidationFailed(f"{len(together)} tags", public=f"{len(together)} tags were passed, and {MAX_TAGS} are allowed.")
    return together


def session_policies(kit: AccessKit, policy: str | None, policy_arns: tuple[str, ...]) -> tuple[str, ...]:
    """The inline session policy, checked with the managed ones. Raises MalformedPolicy, ValidationFailed."""
    if len(policy_arns) > MAX_POLICY_ARNS:
        _refuse("policyArns", f"Member must have length less than or equal to {MAX_POLICY_ARNS}")
    for arn in policy_arns:
        if policy_of(kit.base.settings, kit.account.id, arn) is None:
            raise ValidationFailed(f"no policy {arn[:200]!r}", public="PolicyArns holds the ARN of a policy that does not exist.")
    if policy is None:
        return ()
    compiled(policy, "session")
    return (policy,)


def packed_size(policies: Iterable[str], policy_arns: Iterable[str], carried: Mapping[str, str]) -> int:
    """Per cent of what a session may carry. Raises PackedPolicyTooLarge; nothing is ever cut off (row IP-S2.11)."""
    octets = sum(len(text.encode()) for text in (*policies, *policy_arns, *carried.keys(), *carried.values()))
    per_cent = -(-octets * 100 // PACKED_BYTES)
    if per_cent > 100:
        words = f"Packed size of session tags and policies consumes {per_cent}% of allotted space."
        raise PackedPolicyTooLarge(f"{octets} octets", public=words)
    return per_cent


def _refuse(member: str, words: str) -> None:
    public = f"1 validation error detected: Value at '{member}' failed to satisfy constraint: {words}"
    raise ValidationFailed(f"{member}: {words}", public=public)
