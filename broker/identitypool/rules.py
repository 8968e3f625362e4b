"""Which role a sign-in gets: claims -> role, in the exact order of spec D.8, with every step that led there.

Pure. The answer is always an explanation as well: `crossgate explain` shows it, and the audit log keeps its numbers. No step holds a
claim's value, so that all of it may be kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from broker.expr import cel
from broker.identitypool import claims as reading
from broker.identitypool.policy import arns
from broker.model.identity import IdentityPool, RoleMapping, RoleRule
from broker.model.sts import Proof

ROLES = "cognito:roles"
PREFERRED = "cognito:preferred_role"

Refusal = Literal["denied", "not_configured", "custom_role"]


@dataclass(frozen=True, slots=True)
class Step:
    """One step. `rule` is the number of a mapping's rule, from 1; 0 for a step that is none. `seen` is the shape of the claim's value."""

    what: str
    matched: bool
    why: str
    role_arn: str = ""
    rule: int = 0
    claim: str = ""
    seen: str = ""


@dataclass(frozen=True, slots=True)
class Resolution:
    """The role, or why there is none. `provider` is the mapping that decided ("" if none did), `rule` its rule's number (0 if none did).

    `denied`: the mapping denies. `not_configured`: the pool has no such role, or one that is not of its account. `custom_role`: the role
    that was asked for is not offered.
    """

    role_arn: str | None
    steps: tuple[Step, ...]
    refusal: Refusal | None = None
    provider: str = ""
    rule: int = 0


@dataclass(frozen=True, slots=True)
class RoleAsk:
    """For whom. `proofs` in the order of `Logins`, none for a guest; `account_id` is the pool's: no role of another is ever given."""

    pool: IdentityPool
    proofs: Sequence[Proof]
    account_id: str
    custom_role_arn: str | None = None


def resolve_role(ask: RoleAsk) -> Resolution:
    """The role of a sign-in. Of several logins the first in order that has a mapping decides; SAML always has its own roles."""
    if not ask.proofs:
        return _fixed(ask, "guest", ask.pool.unauthenticated_role)
    skipped: list[Step] = []
    for proof in ask.proofs:
        if proof.kind == "saml":
            return _after(skipped, _by_assertion(ask, proof))
        key, mapping = mapping_of(ask.pool, proof)
        if mapping is not None:
            choose = _by_token if mapping.type == "Token" else _by_rules
            return _after(skipped, choose(ask, key, mapping, proof))
        skipped.append(Step(f"login {proof.mapping_key}", False, "the pool has no role mapping for it"))
    return _after(skipped, _fixed(ask, "signed in, without a role mapping", ask.pool.authenticated_role))


def mapping_of(pool: IdentityPool, proof: Proof) -> tuple[str, RoleMapping | None]:
    """The role mapping of a login's provider and its key (spec D.1: that of a user pool names the app client).

    Both names of a user pool mean the same provider, and both end in its id.
    """
    if (found := pool.mappings.get(proof.mapping_key)) is not None or proof.kind != "user_pool":
        return proof.mapping_key, found
    tail = proof.mapping_key.rpartition("/")[2]
    same = next((key for key in pool.mappings if key.rpartition("/")[2] == tail and not key.startswith("arn:")), proof.mapping_key)
    return same, pool.mappings.get(same)


def _after(skipped: list[Step], made: Resolution) -> Resolution:
    return Resolution(made.role_arn, (*skipped, *made.steps), made.refusal, made.provider, made.rule)


def _fixed(ask: RoleAsk, what: str, role_arn: str | None) -> Resolution:
    """A role that nothing chooses: asking for another is refused (spec D.8, attack IP-S1.2)."""
    if ask.custom_role_arn is not None and (ask.custom_role_arn != role_arn or not ask.proofs):
        return Resolution(None, (Step("custom role", False, f"{what}: the role cannot be chosen"),), "custom_role")
    return _configured(ask, Step(what, True, "the pool's own role"), role_arn)


def _configured(ask: RoleAsk, step: Step, role_arn: str | None, provider: str = "") -> Resolution:
    if not role_arn:
        return Resolution(None, (Step(step.what, False, "the pool has no such role"),), "not_configured", provider)
    if not of_account(role_arn, ask.account_id):
        return Resolution(None, (Step(step.what, False, "the role is not of this account", role_arn),), "not_configured", provider)
    return Resolution(role_arn, (Step(step.what, True, step.why, role_arn),), None, provider)


def of_account(role_arn: str, account_id: str) -> bool:
    """Whether it is the ARN of a role of this very account."""
    try:
        return arns.parse_role(role_arn).account == account_id
    except ValueError:
        return False


# --- the roles that a token or an assertion brings --------------------------------------------------------------------------------------


def _by_assertion(ask: RoleAsk, proof: Proof) -> Resolution:
    """The roles that the assertion lists for this provider. The verifier has left out those of other providers."""
    roles = tuple(dict.fromkeys(proof.roles))
    if ask.custom_role_arn is not None:
        return _picked(ask, proof.mapping_key, roles, "the assertion's roles")
    if len(roles) == 1:
        return _brought(ask, proof.mapping_key, roles[0], "the only role of the assertion")
    step = Step("assertion", False, f"it lists {len(roles)} roles for this provider")
    mapping = ask.pool.mappings.get(proof.mapping_key)
    return _ambiguous(ask, proof.mapping_key, mapping.ambiguous if mapping is not None else "Deny", (step,))


def _by_token(ask: RoleAsk, key: str, mapping: RoleMapping, proof: Proof) -> Resolution:
    roles = reading.text_list(proof.claims, ROLES)
    if ask.custom_role_arn is not None:
        return _picked(ask, key, roles, ROLES)
    preferred = proof.claims.get(PREFERRED)
    if preferred is not None:
        # A token that prefers what it does not list contradicts itself (attack IP-S1.20).
        if not isinstance(preferred, str) or preferred not in roles:
            why = f"it is not among {ROLES}"
            return Resolution(None, (Step(PREFERRED, False, why, claim=PREFERRED, seen=reading.shape(preferred)),), "denied", key)
        return _brought(ask, key, preferred, PREFERRED)
    if len(roles) == 1:
        return _brought(ask, key, roles[0], f"the only one of {ROLES}")
    seen = reading.shape(proof.claims.get(ROLES)) if ROLES in proof.claims else "missing"
    step = Step(ROLES, False, f"{len(roles)} roles, and none is preferred", claim=ROLES, seen=seen)
    return _ambiguous(ask, key, mapping.ambiguous, (step,))


def _picked(ask: RoleAsk, key: str, roles: Sequence[str], where: str) -> Resolution:
    wanted = ask.custom_role_arn or ""
    if wanted in roles:
        return _brought(ask, key, wanted, f"asked for, and among {where}")
    return Resolution(None, (Step("custom role", False, f"it is not among {where}"),), "denied", key)


def _brought(ask: RoleAsk, key: str, role_arn: str, why: str) -> Resolution:
    """A role that a token names. One of another account, or what is no role at all, is refused: the token does not rule here."""
    if not of_account(role_arn, ask.account_id):
        return Resolution(None, (Step("token", False, f"{why}: not a role of this account"),), "denied", key)
    return Resolution(role_arn, (Step("token", True, why, role_arn),), None, key)


# --- rules ------------------------------------------------------------------------------------------------------------------------------


def _by_rules(ask: RoleAsk, key: str, mapping: RoleMapping, proof: Proof) -> Resolution:
    """The first that matches; or, if a role was asked for, the first that matches and gives that role."""
    steps: list[Step] = []
    bounded: dict[str, Any] | None = None
    for number, rule in enumerate(mapping.rules, start=1):
        if rule.expression and bounded is None:
            bounded = cel.bound(proof.claims)
        step = _tried(number, rule, proof.claims, bounded or {})
        if step.matched and ask.custom_role_arn not in {None, rule.role_arn}:
            step = Step(step.what, False, "it matches, but gives another role than was asked for", rule.role_arn, number, step.claim)
        steps.append(step)
        if step.matched:
            if not of_account(rule.role_arn, ask.account_id):
                return Resolution(None, tuple(steps), "not_configured", key, number)
            return Resolution(rule.role_arn, tuple(steps), None, key, number)
    if ask.custom_role_arn is not None:
        steps.append(Step("custom role", False, "no rule that matches gives it"))
        return Resolution(None, tuple(steps), "denied", key)
    return _ambiguous(ask, key, mapping.ambiguous, tuple(steps))


def _tried(number: int, rule: RoleRule, claims: Mapping[str, object], bounded: Mapping[str, Any]) -> Step:
    if rule.expression:
        return _evaluated(number, rule, bounded)
    what = f"{rule.claim} {rule.match} {rule.value!r}"
    value = claims.get(rule.claim)
    if value is None:
        why = "the claim is null" if rule.claim in claims else "the claim is missing"
        return Step(what, False, why, rule.role_arn, number, rule.claim)
    holds = reading.matches(rule.match, rule.value, value)
    return Step(what, holds, "it matches" if holds else "it does not match", rule.role_arn, number, rule.claim, reading.shape(value))


def _evaluated(number: int, rule: RoleRule, bounded: Mapping[str, Any]) -> Step:
    try:
        holds = cel.compiled(rule.expression).holds(bounded)
        why = "it is true" if holds else "it is false"
    except cel.CelFailed as failed:
        holds, why = False, str(failed)
    except cel.CelInvalid as invalid:
        # It was compiled when it was saved; this is a broker without the extra.
        holds, why = False, invalid.what
    return Step(rule.expression, holds, why, rule.role_arn, number)


def _ambiguous(ask: RoleAsk, key: str, choice: str, steps: tuple[Step, ...]) -> Resolution:
    if choice == "AuthenticatedRole":
        made = _configured(ask, Step("ambiguous", True, "nothing decided: the pool's authenticated role"), ask.pool.authenticated_role, key)
        return _after(list(steps), made)
    return Resolution(None, (*steps, Step("ambiguous", False, "nothing decided: Deny")), "denied", key)
