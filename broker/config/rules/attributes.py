"""Rules about the schema of profiles, and about mappings into it (spec C.1, B.9)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from broker.config import mapping
from broker.config.declare import user_pool
from broker.config.pool import Attribute
from broker.config.problems import Wrong, nearest
from broker.config.rules.finding import Finding, PoolAt, repeated
from broker.mapping.check import MappingProblem, validate
from broker.model.schema import STANDARD, VERIFIED_FLAGS

CUSTOM = "custom:"
MAX_CUSTOM_NAME = 20
MAX_CUSTOM = 50


def known_attributes(at: PoolAt) -> set[str]:
    """Every attribute that a profile of this pool may have."""
    return set(STANDARD) | {attribute.name for attribute in at.pool.attribute}


def schema_is_possible(at: PoolAt) -> Iterator[Finding]:
    """Standard attributes keep their types; custom ones are named `custom:NAME` and are never required."""
    for name in repeated(attribute.name for attribute in at.pool.attribute):
        yield Finding(at.inner("attribute", name), "name", "is declared twice", "remove one of them")
    if sum(attribute.name.startswith(CUSTOM) for attribute in at.pool.attribute) > MAX_CUSTOM:
        yield Finding(at.table, "attribute", f"more than {MAX_CUSTOM} custom attributes", "remove some")
    for attribute in at.pool.attribute:
        table = at.inner("attribute", attribute.name)
        yield from _custom(table, attribute) if attribute.name.startswith(CUSTOM) else _standard(table, attribute)
        for low, high in (("min_length", "max_length"), ("min_value", "max_value")):
            least, most = getattr(attribute, low), getattr(attribute, high)
            if least is not None and most is not None and least > most:
                yield Finding(table, low, f"{least:g} is more than {high}", "exchange them")


def _custom(table: str, attribute: Attribute) -> Iterator[Finding]:
    bare = attribute.name.removeprefix(CUSTOM)
    if not 1 <= len(bare) <= MAX_CUSTOM_NAME or not bare.isprintable() or any(char.isspace() for char in bare):
        yield Finding(table, "name", f"is not a name of 1 to {MAX_CUSTOM_NAME} characters without blanks after custom:", "shorten it")
    if attribute.required:
        yield Finding(table, "required", "cannot be true for a custom attribute", "remove it")
    lengths = {"min_length", "max_length"} & attribute.model_fields_set
    values = {"min_value", "max_value"} & attribute.model_fields_set
    if lengths and attribute.type != "String":
        yield Finding(table, min(lengths), f"is for Strings, and this is a {attribute.type}", "remove it")
    if values and attribute.type != "Number":
        yield Finding(table, min(values), f"is for Numbers, and this is a {attribute.type}", "remove it")


def _standard(table: str, attribute: Attribute) -> Iterator[Finding]:
    if attribute.name not in STANDARD:
        yield Finding(table, "name", "is not a standard attribute", f"{nearest(attribute.name, STANDARD)} (your own are named custom:NAME)")
    elif attribute.name == "sub":
        yield Finding(table, "name", "sub is the user's id and cannot be changed", "remove this table")
    elif "type" in attribute.model_fields_set and attribute.type != STANDARD[attribute.name].data_type:
        yield Finding(table, "type", f"{attribute.name} is always a {STANDARD[attribute.name].data_type}", "remove it")


def mapping_fits_the_schema(at: PoolAt) -> Iterator[Finding]:
    """A mapping makes attributes that the pool has and that may change at the next sign-in, by mappers that can do what is asked."""
    pool = user_pool(at.pool, trace_retention_days=1)
    for provider in at.pool.provider:
        table = at.inner("provider", provider.name)
        try:
            rules = mapping.rules(provider.mapping)
        except Wrong:
            yield from _shapeless(table, provider.mapping)
            continue
        for problem in validate(pool, rules):
            if problem.rule or provider.state == "live":
                yield _of_mapping(at, table, problem)


def _shapeless(table: str, entries: Mapping[str, Any]) -> Iterator[Finding]:
    for target, entry in entries.items():
        try:
            tuple(mapping.rules_of(target, entry))
        except Wrong as wrong:
            yield Finding(table, f"mapping.{target}", wrong.what, wrong.remedy)


def _of_mapping(at: PoolAt, table: str, problem: MappingProblem) -> Finding:
    if problem.rule == 0:
        return Finding(table, "mapping", problem.what, f'add {problem.target} = "THEIR NAME FOR IT"')
    key = f"mapping.{problem.target}" + (f".{problem.key}" if problem.key != "target" else "")
    what = problem.what + (f" (at character {problem.position + 1})" if problem.position is not None else "")
    remedy = "correct it, or remove it"
    if problem.key == "target" and problem.target not in known_attributes(at):
        remedy = f"{nearest(problem.target, known_attributes(at))} (declare your own as [[user_pool.attribute]] custom:NAME)"
    return Finding(table, key, what, remedy)


def custom_attributes_reach_somebody(at: PoolAt) -> Iterator[Finding]:
    """Tokens show custom attributes only to clients that list them (spec B.1), which is easily forgotten."""
    read = {name for client in at.pool.client for name in client.read_attributes or ()}
    told: set[str] = set()
    for provider in at.pool.provider:
        for target in provider.mapping:
            if target.startswith(CUSTOM) and target not in read | told and at.pool.client:
                told.add(target)
                what = "is read by no client: tokens show custom attributes only to clients that list them"
                remedy = f"add {target} to the read_attributes of a client, with the standard ones that it reads"
                yield Finding(at.inner("provider", provider.name), f"mapping.{target}", what, remedy, warning=True)


def clients_may_write_what_is_mapped(at: PoolAt) -> Iterator[Finding]:
    """A sign-in writes through its client (spec B.9, 4), so what is mapped must be among what the client may write."""
    providers = {provider.name: provider for provider in at.pool.provider}
    for client in at.pool.client:
        if client.write_attributes is None:
            continue
        writable = {*client.write_attributes, *VERIFIED_FLAGS.values()}
        for name in client.providers:
            for target in providers[name].mapping if name in providers else ():
                if target not in writable:
                    table = at.inner("client", client.id)
                    yield Finding(table, "write_attributes", f"lacks {target}, which {name} maps", "add it, or remove that mapping")
