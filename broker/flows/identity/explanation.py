"""What `explain` answers: one record a step, made of what the steps themselves said. Plain data, so that it prints as words and as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Stage = Literal["login", "identity", "role", "tags", "trust"]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why there are no credentials: at which step, the words that a client hears, and the reason that the log has."""

    stage: Stage
    code: str
    public: str
    private: str


@dataclass(frozen=True, slots=True)
class LoginSeen:
    """A login. `verified` is False if its claims were only assumed. `mapping_key` is what its role mapping goes by."""

    key: str
    kind: str
    subject: str
    mapping_key: str
    audience: str
    verified: bool


@dataclass(frozen=True, slots=True)
class IdentitySeen:
    """`new` would be made, `linked` would get a login, `merged` would take in a guest's. `id` is "" if there is none."""

    outcome: Literal["found", "new", "linked", "merged", "refused"]
    id: str
    words: str


@dataclass(frozen=True, slots=True)
class ChoiceSeen:
    """One step to the role. `rule` is its number from 1, or 0; `seen` the shape of the claim's value."""

    rule: int
    what: str
    outcome: Literal["matched", "not matched", "not tried"]
    why: str
    claim: str = ""
    seen: str = ""
    role_arn: str = ""


@dataclass(frozen=True, slots=True)
class TagSeen:
    """One principal tag. `value` is None if there is none, and `why` says why."""

    key: str
    claim: str
    value: str | None
    why: str


@dataclass(frozen=True, slots=True)
class StatementSeen:
    """A statement's part in a decision."""

    by: str
    policy: str
    statement: int
    sid: str
    effect: str
    applied: bool
    words: str


@dataclass(frozen=True, slots=True)
class DecisionSeen:
    """One question that policies were asked."""

    action: str
    resource: str
    allowed: bool
    reason: str
    statements: tuple[StatementSeen, ...] = ()


@dataclass(frozen=True, slots=True)
class Right:
    """A statement of a policy that bears on the session. `by` is `identity`, `boundary` or `session`; a session policy only limits."""

    by: str
    policy: str
    statement: int
    sid: str
    effect: str
    actions: str
    resources: str
    conditions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """From a login to what it may do. `decided_by` is the provider whose mapping chose, "" if none did; `seconds` the credentials' life.

    `refusal` is None if a real call would have given credentials. Steps after a refusal are told as far as they can be known.
    """

    pool_id: str
    pool_name: str
    logins: tuple[LoginSeen, ...] = ()
    identity: IdentitySeen | None = None
    decided_by: str = ""
    choices: tuple[ChoiceSeen, ...] = ()
    role_arn: str | None = None
    tags: tuple[TagSeen, ...] = ()
    tags_from: str = ""
    trust: tuple[DecisionSeen, ...] = ()
    limited_as_guest: bool = False
    rights: tuple[Right, ...] = ()
    tried: DecisionSeen | None = None
    seconds: int = 0
    refusal: Refusal | None = None
    warnings: tuple[str, ...] = ()

    @property
    def principal_tags(self) -> Mapping[str, str]:
        """The tags that the session has."""
        return {tag.key: tag.value for tag in self.tags if tag.value is not None}

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"credentials": self.refusal is None} | asdict(self)


@dataclass(frozen=True, slots=True)
class ExplainAsk:
    """What to explain: `logins` as GetCredentialsForIdentity takes them, or `claims` that are assumed to have come from `provider`.

    With neither, a guest. `action` and `resource` are tried against the role's policies, with `context` keys such as
    `aws:ResourceTag/team` beside those of the session.
    """

    pool_id: str
    logins: Mapping[str, str] = field(default_factory=dict, repr=False)
    claims: Mapping[str, Any] | None = field(default=None, repr=False)
    provider: str = ""
    custom_role_arn: str | None = None
    action: str | None = None
    resource: str = "*"
    context: Mapping[str, str] = field(default_factory=dict)
