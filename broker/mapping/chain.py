"""Run a provider's rules over a verified identity (spec B.9). Pure, so that a change can be tried on yesterday's sign-ins.

A rule that fails stops neither the others nor the sign-in, unless it is marked required. Every rule leaves a line that says what
arrived, what was made of it, and why not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from broker.errors import AttributeInvalid, BrokerError
from broker.mapping import registry
from broker.mapping.lines import Did, MappingLine
from broker.mapping.mapper import MISSING, GroupMapper, MapperFailed, MappingContext, Missing, OptionsInvalid, Value
from broker.mapping.targets import GROUPS, IMPLICIT, Refused, RuleFailed, as_attribute, check_target
from broker.mapping.values import texts_of
from broker.model import schema
from broker.model.settings import AppClient, MappingRule, ProviderRecord, UserPool
from providers.base import UpstreamIdentity

_LONGEST_WHY = 200


@dataclass(frozen=True, slots=True)
class Mapped:
    """What a sign-in brings to a profile. An empty value clears; an attribute that is not here stays as stored (spec B.9, 5).

    `groups` None says nothing about groups; else they are those of `governed_groups` that the user shall be in. `refusals` are the reasons
    why this sign-in cannot go on, in Cognito's words; `attributes` are then empty, so that nothing half-checked is ever written.
    """

    attributes: Mapping[str, str]
    groups: tuple[str, ...] | None = None
    governed_groups: frozenset[str] = frozenset()
    lines: tuple[MappingLine, ...] = ()
    refusals: tuple[str, ...] = ()


@dataclass(slots=True)
class _Work:
    """The chain's own memory while it runs."""

    made: dict[str, str] = field(default_factory=dict)
    groups: dict[str, None] | None = None
    governed: set[str] = field(default_factory=set)
    lines: list[MappingLine] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)


def run(pool: UserPool, client: AppClient | None, record: ProviderRecord, identity: UpstreamIdentity) -> Mapped:
    """Map an identity. Raises nothing: what is wrong stands in the lines, and what is fatal also in `refusals`; see `check_required`."""
    work = _Work()
    for number, rule in enumerate(record.mapping, start=1):
        context = MappingContext(record.name, identity.issuer, identity.subject, identity.attributes, dict(work.made), rule.target)
        try:
            done = _apply(work, pool, client, rule, context)
        except Refused as refused:
            done = _Done("refused", why=str(refused))
            work.refusals.append(f"{rule.target}: {refused}")
        except (RuleFailed, MapperFailed, OptionsInvalid, BrokerError) as failed:
            done = _failed(work, rule, failed.private if isinstance(failed, BrokerError) else str(failed))
        except Exception as failed:
            # A plugin's own mistake. Its words may quote a value, so only its kind is told.
            done = _failed(work, rule, f"the mapper broke: {type(failed).__name__}")
        # What the mapper read appears in `seen`, and so in the line.
        line = MappingLine(number, record.name, rule.target, rule.mapper, done.did, done.made, done.why, rule.required, context.seen)
        work.lines.append(line)
    _settle_verified_flags(work, record)
    groups = None if work.groups is None else tuple(work.groups)
    attributes = {} if work.refusals else work.made
    return Mapped(attributes, groups, frozenset(work.governed), tuple(work.lines), tuple(work.refusals))


def check_required(pool: UserPool, mapped: Mapped, stored: Mapping[str, str]) -> None:
    """Whether a profile that holds `stored` ({}: a new one) may take what was mapped. Raises AttributeInvalid, in Cognito's words.

    A required attribute must be mapped now or stored already (Apple tells a name once and never again), and never be cleared. An
    immutable one can be given at creation only; the same value again is no change.
    """
    problems = list(mapped.refusals)
    for name in schema.required(pool) if not problems else ():
        if name not in mapped.attributes and not stored.get(name):
            problems.append(f"{name}: The attribute is required")
        elif mapped.attributes.get(name) == "":
            problems.append(f"{name}: Required attribute cannot be deleted")
    for name, value in mapped.attributes.items():
        known = schema.find(pool, name)
        if stored and known is not None and not known.mutable and value != stored.get(name, ""):
            problems.append(f"{name}: Attribute cannot be updated")
    if problems:
        words = "; ".join(problems)
        raise AttributeInvalid(words, public=f"Invalid user attributes: {words}")


class _Done(NamedTuple):
    """What became of a rule, for its line."""

    did: Did
    made: str | None = None
    why: str = ""


def _apply(work: _Work, pool: UserPool, client: AppClient | None, rule: MappingRule, context: MappingContext) -> _Done:
    if rule.target in IMPLICIT:
        return _Done("skipped", why="follows from the provider's own subject")
    known = check_target(pool, client, rule)
    mapper = registry.find(rule.mapper)
    if mapper is None:
        raise RuleFailed(f"there is no mapper {rule.mapper}")
    if rule.target == GROUPS:
        return _group(work, mapper, rule, context)
    value = mapper.apply(context, rule.options)
    if value is MISSING:
        if rule.required and rule.target not in work.made:
            raise Refused("The attribute is required")
        return _Done("absent", why="nothing arrived that this rule could use")
    made = as_attribute(known, value)
    if made == "" and rule.required:
        raise Refused("The attribute is required")
    work.made[rule.target] = made
    return _Done("cleared" if made == "" else "made", made)


def _group(work: _Work, mapper: object, rule: MappingRule, context: MappingContext) -> _Done:
    if not isinstance(mapper, GroupMapper):
        raise RuleFailed(f"{rule.mapper} makes attributes, not groups")
    governed = mapper.governs(rule.options)
    value: Value | Missing = mapper.apply(context, rule.options)
    if value is MISSING:
        if rule.required:
            raise Refused("The attribute is required")
        return _Done("absent", why="no groups arrived")
    # What a mapper says it governs also bounds what it may say.
    names = [name for name in texts_of(value) if name in governed]
    work.governed |= governed
    work.groups = (work.groups or {}) | dict.fromkeys(names)
    return _Done("made", ", ".join(names))


def _failed(work: _Work, rule: MappingRule, why: str) -> _Done:
    if rule.required:
        work.refusals.append(f"{rule.target}: The attribute is required")
    return _Done("failed", why=why[:_LONGEST_WHY])


def _settle_verified_flags(work: _Work, record: ProviderRecord) -> None:
    """A flag speaks of the address that came with it, and of no other (spec B.9, 8; attacks OA-R4.2, SAML-K9)."""
    for name, flag in schema.VERIFIED_FLAGS.items():
        if work.made.get(name) == "":
            work.made[flag] = ""
        elif name in work.made and flag not in work.made:
            work.made[flag] = "false"
            why = f"{name} arrived and nothing said that it is verified"
            work.lines.append(MappingLine(0, record.name, flag, "", did="made", made=work.made[flag], why=why))
        elif flag in work.made and name not in work.made:
            del work.made[flag]
            why = f"{name} did not arrive, and the flag may not vouch for the stored one"
            work.lines.append(MappingLine(0, record.name, flag, "", did="skipped", why=why))
