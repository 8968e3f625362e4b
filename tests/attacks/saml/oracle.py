"""When a row passes: the forgery is refused for a reason a machine can read, and the untouched message is accepted right after.

Without that twin a reader that refuses everything would pass every row.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from providers.base import Inbound, UpstreamIdentity
from providers.errors import ProviderError
from tests.attacks.saml.ring import BASES, POLICIES, TAKES, Base, Message, Policy, Ring, Scene, inbound, rings

Craft = Callable[[Scene], Message | None]
Outcome = UpstreamIdentity | ProviderError
Judge = Callable[[Scene, Outcome], None]

# Who began, and whether the IdP may. `sp/on` differs from `sp/off` only for rows about the request, which name it.
MODES = ("sp/off", "idp/on")
REASON = re.compile(r"[a-z][a-z0-9_]*")
# What a forger wrote must not come back on a page.
CRAFTED = re.compile(r"evil|admin@|<script|canary", re.IGNORECASE)


def refused(scene: Scene, outcome: Outcome) -> None:
    """No identity, and a reason: never a crash, never words of the forger's on the page."""
    assert isinstance(outcome, ProviderError), f"accepted as {outcome.subject!r}"
    assert type(outcome) is not ProviderError
    assert REASON.fullmatch(outcome.reason)
    assert outcome.reason != ProviderError.reason
    assert not CRAFTED.search(outcome.public), outcome.public


def honest(scene: Scene, outcome: Outcome) -> None:
    """Accepted, and exactly what the identity provider said."""
    if isinstance(outcome, ProviderError):
        raise AssertionError(f"refused: {outcome}") from outcome
    answer = scene.answer
    assert outcome.subject == answer.name_id
    assert outcome.issuer == answer.issuer
    assert outcome.provider_id == scene.ring.provider.spec.provider_id
    assert said_values(outcome) == {"NameID": (answer.name_id,), **{a.name: a.values for a in answer.attributes}}
    assert outcome.burns
    assert outcome.evidence


def said_values(identity: UpstreamIdentity) -> dict[str, tuple[str, ...]]:
    """The attributes as name and values, whatever else the reader files them under."""
    return {name: (values,) if isinstance(values, str) else tuple(values) for name, values in identity.attributes.items()}


def unchanged(scene: Scene, outcome: Outcome) -> None:
    """Refused, or read exactly as if nothing had been done to it."""
    (refused if isinstance(outcome, ProviderError) else honest)(scene, outcome)


def as_policy_says(scene: Scene, outcome: Outcome) -> None:
    """Accepted where the policy takes this base, refused where it does not."""
    (honest if scene.base in TAKES[scene.ring.policy] else refused)(scene, outcome)


@dataclass(frozen=True)
class Case:
    """One variant of one row. `said` changes the honest message, twin included; `craft` makes the forgery of it, or None where the
    base lacks what it needs. It runs on every base, in every ring that `policies` and `modes` allow."""

    row: str
    variant: str
    craft: Craft
    bases: tuple[Base, ...] = ("G-B",)
    judge: Judge = refused
    said: Mapping[str, Any] = field(default_factory=dict)
    policies: tuple[Policy, ...] = POLICIES
    modes: tuple[str, ...] = MODES

    def __str__(self) -> str:
        return f"{self.row}-{self.variant}" if self.variant else self.row

    def scenes(self) -> Iterable[Scene]:
        for ring in rings():
            if ring.policy in self.policies and mode(ring) in self.modes:
                for base in self.bases:
                    yield Scene(ring, base, self.said)


def mode(ring: Ring) -> str:
    return f"{'sp' if ring.solicited else 'idp'}/{'on' if ring.idp_initiated else 'off'}"


def outcome_of(ring: Ring, message: Message) -> Outcome:
    """An identity or a ProviderError; anything else that is raised is a crash, and fails the test as itself."""
    try:
        return ring.finish(message)
    except ProviderError as error:
        return error


def twin(scene: Scene) -> Scene:
    """The untouched message; where the policy takes no such base, the one that every policy takes."""
    return scene if scene.base in TAKES[scene.ring.policy] else Scene(scene.ring, "G-B", scene.said)


def check(case: Case) -> None:
    """Run a case in all its scenes; every scene that fails is told, not only the first."""
    failures: list[str] = []
    tried = 0
    crafted: dict[object, Inbound | None] = {}
    for scene in case.scenes():
        # Rings differ in what they demand, not in what they ask: one forgery serves all that were asked the same.
        key = (scene.base, scene.ring.idp_initiated, scene.ring.solicited, scene.answer)
        if key not in crafted:
            made = case.craft(scene)
            crafted[key] = None if made is None else inbound(made)
        message = crafted[key]
        if message is None:
            continue
        tried += 1
        before = len(scene.ring.canary.calls)
        for what, judge, sent in (
            ("forgery", case.judge, message),
            ("twin", honest, twin(scene).document),
        ):
            try:
                judge(scene, outcome_of(scene.ring, sent))
            except Exception as error:
                failures.append(f"{scene.base} {scene.ring}: {what}: {type(error).__name__}: {str(error).splitlines()[0][:200]}")
        if scene.ring.canary.calls[before:]:
            failures.append(f"{scene.base} {scene.ring}: outbound {scene.ring.canary.calls[before:]}")
    assert tried, "no scene has what this case needs"
    assert not failures, f"{case}: {len(failures)} of {tried} scenes\n" + "\n".join(failures)


def over(cases: Iterable[Case]) -> pytest.MarkDecorator:
    """Parametrize a test over a table of cases; two of one name would hide one another."""
    listed = list(cases)
    names = [str(case) for case in listed]
    assert len(set(names)) == len(names), f"two cases of one name: {sorted({x for x in names if names.count(x) > 1})}"
    return pytest.mark.parametrize("case", listed, ids=names)


def rows(*ids: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Name the rows of the catalogue that a hand-written test stands for."""

    def named(test: Callable[..., None]) -> Callable[..., None]:
        test.rows = ids  # type: ignore[attr-defined]
        return test

    return named


SIGNED_ASSERTION: tuple[Base, ...] = ("G-A", "G-B")
SIGNED_RESPONSE: tuple[Base, ...] = ("G-R", "G-B")
PLAIN: tuple[Base, ...] = ("G-R", "G-A", "G-B")
ALL = BASES
