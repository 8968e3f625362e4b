"""Roles (API `CreateRole`, `GetRole`, `UpdateRole`, `UpdateAssumeRolePolicy`, `DeleteRole`, `ListRoles`, `TagRole` and their kin)."""

from __future__ import annotations

import re
from base64 import b32encode, urlsafe_b64decode
from collections.abc import Sequence
from dataclasses import dataclass, replace

from broker.api_errors import DeleteConflict, InvalidParameter, LimitExceeded, NoSuchEntity, ValidationFailed
from broker.flows.access_kit import AccessKit
from broker.flows.iam import records
from broker.flows.iam.documents import check_trust
from broker.flows.iam.paging import Listed, page
from broker.identitypool.tag_names import MAX_TAGS, tag_fault
from broker.model.iam import IAM, Role
from broker.model.sts import Caller
from broker.ports.environment import Random

NAME = re.compile(r"[\w+=,.@-]{1,64}", re.ASCII)
PATH = re.compile(r"/(?:[\x21-\x29\x2b-\x3e\x40-\x7e]{1,510}/)?")
"""As AWS's, but for the two wildcards: a path is part of an ARN, which policies match with them."""
MIN_SESSION, MAX_SESSION = 900, 43_200


@dataclass(frozen=True, slots=True)
class RoleAsk:
    """CreateRole. `max_session` is seconds, `boundary` the ARN of a managed policy."""

    name: str
    trust: str
    path: str = "/"
    description: str = ""
    max_session: int | None = None
    boundary: str | None = None
    tags: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class RoleChange:
    """UpdateRole: what is None stays as it is."""

    name: str
    description: str | None = None
    max_session: int | None = None


@dataclass(frozen=True, slots=True)
class RoleListing:
    """ListRoles."""

    path_prefix: str = "/"
    marker: str | None = None
    max_items: int | None = None


def create(kit: AccessKit, by: Caller, ask: RoleAsk) -> Role:
    """A new role of the API's own. Raises EntityExists, MalformedPolicy, ValidationFailed, InvalidParameter, NoSuchEntity."""
    if not NAME.fullmatch(ask.name) or not PATH.fullmatch(ask.path):
        raise ValidationFailed(f"role name {ask.name!r}, path {ask.path!r}", public="The role's name or path is malformed.")
    check_trust(kit, ask.trust)
    check_tags(ask.tags)
    if ask.boundary is not None:
        check_policy_exists(kit, ask.boundary)
    role = Role(
        name=ask.name,
        id=make_id(kit.base.random, "AROA"),
        trust=ask.trust,
        created_at=kit.base.now(),
        path=ask.path,
        boundary=ask.boundary,
        tags=dict(ask.tags),
        description=ask.description,
        max_session=session_seconds(ask.max_session),
        owner="api",
    )
    records.create(kit, lambda unit: unit.roles, role, "role", role.name)
    records.tell(kit, by, "role.created", role=role.name)
    return role


def get(kit: AccessKit, name: str) -> Role:
    """Raises NoSuchEntity."""
    with kit.base.store.unit() as unit:
        return records.role(unit, name)


def update(kit: AccessKit, by: Caller, ask: RoleChange) -> Role:
    """Description and longest session. Raises NoSuchEntity, Unmodifiable, ValidationFailed."""
    given = {
        "description": ask.description,
        "max_session": None if ask.max_session is None else session_seconds(ask.max_session),
    }
    wanted: dict[str, object] = {name: value for name, value in given.items() if value is not None}
    role = records.change_role(kit, ask.name, lambda unit, role: replace(role, **wanted))  # type: ignore[arg-type]
    records.tell(kit, by, "role.updated", role=role.name)
    return role


def update_trust(kit: AccessKit, by: Caller, name: str, document: str) -> Role:
    """Another trust policy. Raises NoSuchEntity, Unmodifiable, MalformedPolicy."""
    check_trust(kit, document)
    role = records.change_role(kit, name, lambda unit, role: replace(role, trust=document))
    records.tell(kit, by, "role.trust_updated", role=name)
    return role


def delete(kit: AccessKit, by: Caller, name: str) -> None:
    """Its sessions end with it. Raises NoSuchEntity, Unmodifiable, DeleteConflict while policies hang on it."""
    with records.writing(kit) as unit:
        role = records.ours(records.role(unit, name), "role", name)
        if role.policies or role.managed:
            words = "must delete policies first." if role.policies else "must detach all policies first."
            raise DeleteConflict(f"role {name} still has policies", public=f"Cannot delete entity, {words}")
        unit.roles.delete(IAM, name)
    records.tell(kit, by, "role.deleted", role=name)


def list_page(kit: AccessKit, ask: RoleListing) -> Listed[Role]:
    """By name. Raises ValidationFailed."""
    with kit.base.store.unit() as unit:
        found = records.everything(unit.roles, lambda role: role.name)
    return page([role for role in found if role.path.startswith(ask.path_prefix)], lambda role: role.name, ask.marker, ask.max_items)


def tag(kit: AccessKit, by: Caller, name: str, tags: Sequence[tuple[str, str]]) -> None:
    """Add tags, or give some another value. Raises NoSuchEntity, Unmodifiable, InvalidParameter, LimitExceeded."""
    check_tags(tags)
    records.change_role(kit, name, lambda unit, role: replace(role, tags=_bounded(records.with_tags(role.tags, dict(tags)))))
    records.tell(kit, by, "role.tagged", role=name)


def untag(kit: AccessKit, by: Caller, name: str, keys: Sequence[str]) -> None:
    """Take tags off; keys that are not there are no error. Raises NoSuchEntity, Unmodifiable."""
    gone = {key.casefold() for key in keys}
    records.change_role(
        kit, name, lambda unit, role: replace(role, tags={key: value for key, value in role.tags.items() if key.casefold() not in gone})
    )
    records.tell(kit, by, "role.untagged", role=name)


def list_tags(kit: AccessKit, name: str, marker: str | None = None, max_items: int | None = None) -> Listed[tuple[str, str]]:
    """By key. Raises NoSuchEntity, ValidationFailed."""
    return page(list(get(kit, name).tags.items()), lambda pair: pair[0], marker, max_items)


def put_boundary(kit: AccessKit, by: Caller, name: str, arn: str) -> None:
    """What its sessions may do at most. Raises NoSuchEntity, Unmodifiable."""
    check_policy_exists(kit, arn)
    records.change_role(kit, name, lambda unit, role: replace(role, boundary=arn))
    records.tell(kit, by, "role.boundary_put", role=name, policy=arn)


def delete_boundary(kit: AccessKit, by: Caller, name: str) -> None:
    """Raises NoSuchEntity, Unmodifiable."""

    def without(_: object, role: Role) -> Role:
        if role.boundary is None:
            raise NoSuchEntity(f"role {name} has no boundary", public=f"The role with name {name} has no permissions boundary.")
        return replace(role, boundary=None)

    records.change_role(kit, name, without)
    records.tell(kit, by, "role.boundary_deleted", role=name)


def check_policy_exists(kit: AccessKit, arn: str) -> None:
    """Raises NoSuchEntity."""
    with kit.base.store.unit() as unit:
        records.policy(kit, unit, arn)


def session_seconds(asked: int | None) -> int:
    """The longest session of a role. Raises ValidationFailed."""
    seconds = 3600 if asked is None else asked
    if not MIN_SESSION <= seconds <= MAX_SESSION:
        raise ValidationFailed(
            f"max session {seconds}", public=f"MaxSessionDuration must be between {MIN_SESSION} and {MAX_SESSION} seconds."
        )
    return seconds


def make_id(random: Random, prefix: str) -> str:
    """A unique id as IAM makes them: the kind's four letters and 16 more."""
    return prefix + b32encode(urlsafe_b64decode(random.token(10) + "==")).decode("ascii")


def check_tags(tags: Sequence[tuple[str, str]]) -> None:
    """Raises InvalidParameter."""
    fault = tag_fault(tags)
    if fault:
        raise InvalidParameter(fault, public=fault)


def _bounded(tags: dict[str, str]) -> dict[str, str]:
    if len(tags) > MAX_TAGS:
        raise LimitExceeded(f"{len(tags)} tags", public=f"The number of tags has reached the maximum limit of {MAX_TAGS}.")
    return tags
