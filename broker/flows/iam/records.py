"""What every operation of IAM does: find the record, see that the API may change it, write it, and say who did.

Reads here ask the store, not the settings cache: who has just created a role wants to see it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

from broker.api_errors import ConcurrentModification, EntityExists, NoSuchEntity, Unmodifiable
from broker.errors import Conflict
from broker.flows.access_kit import AccessKit
from broker.identitypool.roles import policy_arn, policy_name
from broker.model.iam import IAM, ManagedPolicy, OidcProvider, Role, SamlProvider
from broker.model.sts import Caller
from broker.ports.store import Records, Unit

T = TypeVar("T", Role, ManagedPolicy, OidcProvider, SamlProvider)

_PAGE = 1000
LEASE = "iam"
PATIENCE = 10.0
"""Seconds that a writer waits for the others."""
LONGEST = 30
"""Seconds after which a writer is thought dead."""


def found(record: T | None, what: str, name: str) -> T:
    """The record. Raises NoSuchEntity, in AWS's words."""
    if record is None:
        raise NoSuchEntity(f"no {what} {name}", public=f"The {what} with name {name} cannot be found.")
    return record


def role(unit: Unit, name: str) -> Role:
    """A role. Raises NoSuchEntity."""
    return found(unit.roles.get(IAM, name), "role", name)


def policy(kit: AccessKit, unit: Unit, arn: str) -> ManagedPolicy:
    """A managed policy by its ARN, path and all. Raises NoSuchEntity."""
    name = policy_name(arn)
    record = unit.managed_policies.get(IAM, name) if name else None
    if record is None or policy_arn(kit.account.id, record) != arn:
        raise NoSuchEntity(f"no policy {arn}", public=f"Policy {arn} does not exist or is not attachable.")
    return record


def everything(records: Records[T], key: Callable[[T], str]) -> list[T]:
    """All records of a kind."""
    every: list[T] = []
    page = records.list(IAM, None, _PAGE)
    while page:
        every += page
        page = records.list(IAM, key(page[-1]), _PAGE) if len(page) == _PAGE else ()
    return every


def ours(record: T, what: str, name: str) -> T:
    """The record, if the API may change it. Raises Unmodifiable."""
    if record.owner == "file":
        raise Unmodifiable(
            f"{what} {name} belongs to the file",
            public=f"The {what} {name} is declared in the configuration file, which alone may change it.",
        )
    return record


@contextmanager
def writing(kit: AccessKit) -> Iterator[Unit]:
    """A unit in which nobody else changes anything of IAM: a record is read, changed and written whole, and who manages roles by program
    puts many policies on one at a time. Raises ConcurrentModification if the others take too long."""
    store, holder = kit.base.store, kit.base.random.uuid()
    until = time.monotonic() + PATIENCE
    while not store.acquire(LEASE, holder, LONGEST):
        if time.monotonic() > until:
            raise ConcurrentModification("the lease of IAM's writers was not free")
        time.sleep(0.01)
    try:
        with store.unit() as unit:
            yield unit
    finally:
        store.release(LEASE, holder)


def create(kit: AccessKit, records: Callable[[Unit], Records[T]], record: T, what: str, name: str) -> T:
    """Insert a record under its key. Raises EntityExists, also for a role whose name differs in case only."""
    try:
        with writing(kit) as unit:
            if records(unit).get(IAM, name) is not None:
                raise Conflict(f"{what} {name} exists")
            records(unit).put(record)
    except Conflict as taken:
        words = f"{what[0].upper()}{what[1:]} with name {name} already exists."
        raise EntityExists(taken.private, public=words) from None
    return record


def change_role(kit: AccessKit, name: str, change: Callable[[Unit, Role], Role]) -> Role:
    """Read, change and write a role in one transaction. Raises NoSuchEntity, Unmodifiable, and what `change` raises."""
    with writing(kit) as unit:
        changed = change(unit, ours(role(unit, name), "role", name))
        unit.roles.put(changed)
    return changed


def tell(kit: AccessKit, by: Caller, event: str, **detail: str) -> None:
    """One audit event of a change, with the ARN of who made it."""
    kit.base.audit(event, "ok", "api", {"by": by.arn, **detail})


def with_tags(tags: Mapping[str, str], more: Mapping[str, str]) -> dict[str, str]:
    """Tags with others added; a key that differs in case only is the same key and takes the new spelling (API `TagRole`)."""
    new = {key.casefold() for key in more}
    return {**{key: value for key, value in tags.items() if key.casefold() not in new}, **more}
