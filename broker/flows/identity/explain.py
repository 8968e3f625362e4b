"""Why a sign-in gets the role, the tags and the rights that it gets, step by step, and nothing is written.

No step is told a second time here: the functions that a real call uses are asked, and what they say of themselves is kept. Logins are
verified as ever (so a provider may be asked over the network), but no assertion is burned, nothing is linked and nothing is audited.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from broker.api_errors import ApiError
from broker.errors import BrokerError
from broker.flows.access_kit import AccessKit
from broker.flows.identity.assumed import assumed_proof, key_of_claims
from broker.flows.identity.explain_session import Judged, judged
from broker.flows.identity.explanation import (
    ChoiceSeen,
    ExplainAsk,
    Explanation,
    IdentitySeen,
    LoginSeen,
    Refusal,
    Stage,
    TagSeen,
)
from broker.flows.identity.get_credentials import role_or_refusal
from broker.flows.identity.lookups import pool_of
from broker.flows.identity.pool_roles import writable_of
from broker.flows.identity.proofs import saml, verify_logins
from broker.flows.identity.rehearsal import NOBODY, rehearse
from broker.flows.identity.signing_in import SignedIn, tags_for
from broker.identitypool.rules import Resolution, RoleAsk, Step, resolve_role
from broker.identitypool.tags import TagSet, make_tags
from broker.model.identity import IdentityPool, PoolIdentity
from broker.model.sts import Proof

_OUTCOMES = {"identity.created": "new", "identity.linked": "linked", "identity.merged": "merged"}


def explain(kit: AccessKit, ask: ExplainAsk) -> Explanation:
    """The whole way from logins to rights. A refusal on the way is part of the answer.

    Raises ResourceNotFound (no such pool), InvalidParameter (claims whose provider cannot be told).
    """
    pool = pool_of(kit, ask.pool_id)
    provider = ask.provider or (key_of_claims(kit, pool, ask.claims) if ask.claims is not None else "")
    try:
        proofs = _proofs(kit, pool, ask, provider)
    except ApiError as refused:
        return Explanation(pool.id, pool.name, refusal=_refusal("login", refused))
    return _Way(kit, pool, ask, proofs).explained()


def _proofs(kit: AccessKit, pool: IdentityPool, ask: ExplainAsk, provider: str) -> tuple[Proof, ...]:
    if ask.claims is not None:
        return (assumed_proof(kit, pool, provider, ask.claims),)
    return tuple(_verified(kit, pool, key, token) for key, token in ask.logins.items())


def _verified(kit: AccessKit, pool: IdentityPool, key: str, token: str) -> Proof:
    if key in pool.saml_providers:
        return saml.unburned(kit, pool, key, token)
    return verify_logins(kit, pool, {key: token}, "Explain")[0]


@dataclass(frozen=True, slots=True)
class _Way:
    """One explanation in the making."""

    kit: AccessKit
    pool: IdentityPool
    ask: ExplainAsk
    proofs: tuple[Proof, ...]

    def explained(self) -> Explanation:
        identity, seen, refused = self._identity()
        resolution = resolve_role(RoleAsk(self.pool, self.proofs, self.kit.account.id, self.ask.custom_role_arn))
        tags = make_tags(self.pool, self.proofs, resolution.provider)
        refusals = [
            refused,
            _tried("role", lambda: role_or_refusal(resolution)),
            _tried("tags", lambda: tags_for(self.pool, self.proofs, resolution.provider)),
        ]
        session = Judged()
        if resolution.role_arn is not None and tags.fault is None:
            session = judged(self.kit, SignedIn(self.pool, identity, self.proofs), resolution.role_arn, tags, self.ask)
            refusals.append(session.refusal)
        return Explanation(
            pool_id=self.pool.id,
            pool_name=self.pool.name,
            logins=tuple(_login(proof, self.ask.claims is None) for proof in self.proofs),
            identity=seen,
            decided_by=resolution.provider,
            choices=tuple(_choices(self.pool, resolution)),
            role_arn=resolution.role_arn,
            tags=tuple(_tags(tags)),
            tags_from=tags.provider,
            trust=session.trust,
            limited_as_guest=not self.proofs,
            rights=session.rights,
            tried=session.tried,
            seconds=session.seconds,
            refusal=next((each for each in refusals if each is not None), None),
            warnings=(*self._warnings(resolution, tags), *session.warnings),
        )

    def _identity(self) -> tuple[PoolIdentity, IdentitySeen, Refusal | None]:
        """If there is none, the rest is told for nobody."""
        try:
            story = rehearse(self.kit, self.pool, self.proofs)
        except ApiError as refused:
            now = self.kit.base.now()
            nobody = PoolIdentity(f"{self.pool.id.partition(':')[0]}:{NOBODY}", self.pool.id, now, now)
            return nobody, IdentitySeen("refused", "", refused.private), _refusal("identity", refused)
        outcome = next((_OUTCOMES[event] for event, _ in reversed(story.events)), "found")
        words = {
            "found": "known by a login that is linked to it already" if self.proofs else "",
            "new": "nobody has signed in with this yet; the first real call makes an identity"
            if self.proofs
            else "each guest gets a new one",
            "linked": "known by another of the logins; a real call links the new ones to it",
        }.get(outcome, "")
        return story.identity, IdentitySeen(outcome, "" if outcome == "new" else story.identity.id, words), None  # type: ignore[arg-type]

    def _warnings(self, resolution: Resolution, tags: TagSet) -> Iterator[str]:
        if self.ask.claims is not None:
            yield "the claims are assumed: nothing verified them, and a real token may say otherwise"
        for proof in self.proofs:
            if not proof.subject:
                yield "the claims name no subject, so no known identity can be found by them"
            mapping = self.pool.mappings.get(proof.mapping_key)
            if proof.kind == "saml" and mapping is not None and mapping.rules:
                yield f"the rules for {proof.mapping_key} are never asked: the Role attribute of an assertion decides"
        for each in writable_of(self.kit, self.pool):
            if (each.rule and each.provider == resolution.provider) or (each.tag and each.provider == tags.provider):
                yield str(each)


def _tried(stage: Stage, step: Callable[[], object]) -> Refusal | None:
    try:
        step()
    except ApiError as refused:
        return _refusal(stage, refused)
    return None


def _refusal(stage: Stage, error: BrokerError) -> Refusal:
    return Refusal(stage, error.code, error.public, error.private)


def _login(proof: Proof, verified: bool) -> LoginSeen:
    return LoginSeen(proof.key, proof.kind, proof.subject, proof.mapping_key, proof.audience, verified and proof.kind != "developer")


def _choices(pool: IdentityPool, resolution: Resolution) -> Iterator[ChoiceSeen]:
    """The steps that were taken, and the rules that no longer counted."""
    for step in resolution.steps:
        yield _choice(step)
    mapping = pool.mappings.get(resolution.provider)
    for number, rule in enumerate(mapping.rules if mapping is not None and resolution.rule else (), start=1):
        if number > resolution.rule:
            what = rule.expression or f"{rule.claim} {rule.match} {rule.value!r}"
            yield ChoiceSeen(number, what, "not tried", f"rule {resolution.rule} has decided", rule.claim, "", rule.role_arn)


def _choice(step: Step) -> ChoiceSeen:
    return ChoiceSeen(
        step.rule, step.what, "matched" if step.matched else "not matched", step.why, step.claim, step.seen, step.role_arn
    )  # fmt: skip


def _tags(tags: TagSet) -> Sequence[TagSeen]:
    """Each with its value, as who asks has brought the token himself."""
    why = "the sign-in is refused for its tags" if tags.fault else ""
    return [TagSeen(step.key, step.claim, tags.tags.get(step.key), step.why or why) for step in tags.steps]
