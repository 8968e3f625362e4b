"""Profiles, and what goes with them when they go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import bindparam, delete, select, update

from broker.errors import Conflict
from broker.model.schema import canonical_email
from broker.model.users import User
from broker.stores.documents import decode, encode, millis
from broker.stores.sql.dialect import insert_new
from broker.stores.sql.prepared import Prepared
from broker.stores.sql.tables import (
    consents,
    data_keys,
    families,
    identities,
    memberships,
    pending_links,
    refresh_tokens,
    sessions,
    traces,
    users,
)
from broker.stores.sql.work import Work

# Values that a profile is looked up by, besides sub and username; an e-mail address compares in lower case.
INDEXED = ("email", "phone_number", "preferred_username")

_THIS = (users.c.pool_id == bindparam("b_pool"), users.c.sub == bindparam("b_sub"))
_GET = Prepared(select(users.c.document).where(*_THIS))
_BY_USERNAME = select(users.c.document).where(users.c.pool_id == bindparam("b_pool"), users.c.username == bindparam("b_value"))
_BY_ATTRIBUTE = {
    name: select(users.c.document)
    .where(users.c.pool_id == bindparam("b_pool"), users.c[name] == bindparam("b_value"))
    .order_by(users.c.created_at, users.c.sub)
    .limit(bindparam("b_limit"))
    for name in INDEXED
}
_CREATE = insert_new(users)
_UPDATE = (
    update(users)
    .where(*_THIS, users.c.version == bindparam("b_version"), users.c.username == bindparam("b_username"))
    .values({name: bindparam(name) for name in ("version", "document", *INDEXED)})
)
_DELETE = delete(users).where(*_THIS)
_FAMILY_IDS = select(families.c.id).where(families.c.pool_id == bindparam("b_pool"), families.c.user_sub == bindparam("b_sub"))
_DELETE_TOKENS = delete(refresh_tokens).where(refresh_tokens.c.family.in_(_FAMILY_IDS))
_DELETE_OWNED = tuple(
    delete(table).where(table.c.pool_id == bindparam("b_pool"), table.c.user_sub == bindparam("b_sub"))
    for table in (families, identities, pending_links, memberships, sessions, consents, data_keys)
)
_BLANK_EVIDENCE = (
    update(traces)
    .where(traces.c.pool_id == bindparam("b_pool"), traces.c.user_sub == bindparam("b_sub"), traces.c.evidence.is_not(None))
    .values(evidence=None)
)


class SqlUsers:
    """ports.store.Users."""

    __slots__ = ("_work",)

    def __init__(self, work: Work) -> None:
        self._work = work

    def get(self, pool_id: str, sub: str) -> User | None:
        rows = self._work.look(_GET, {"b_pool": pool_id, "b_sub": sub})
        return decode(User, rows[0][0]) if rows else None

    def by_username(self, pool_id: str, username: str) -> User | None:
        document = self._work.read(_BY_USERNAME, {"b_pool": pool_id, "b_value": username}).scalar()
        return None if document is None else decode(User, document)

    def by_attribute(self, pool_id: str, name: str, value: str, limit: int = 2) -> Sequence[User]:
        if name == "sub":
            found = self.get(pool_id, value)
            return [found] if found else []
        if name not in _BY_ATTRIBUTE:
            raise ValueError(f"profiles are not indexed by {name!r}")
        parameters = {"b_pool": pool_id, "b_value": indexed_form(name, value), "b_limit": limit}
        return [decode(User, document) for document in self._work.read(_BY_ATTRIBUTE[name], parameters).scalars()]

    def create(self, user: User) -> None:
        row = {"pool_id": user.pool_id, "sub": user.sub, "username": user.username, "created_at": millis(user.created_at), **_content(user)}
        if not self._work.write(_CREATE.on(self._work.sqlite), row).rowcount:
            raise Conflict(f"user {user.username!r} exists already")

    def update(self, user: User) -> User:
        written = replace(user, version=user.version + 1)
        where = {"b_pool": user.pool_id, "b_sub": user.sub, "b_version": user.version, "b_username": user.username}
        if not self._work.write(_UPDATE, {**where, **_content(written)}).rowcount:
            raise Conflict(f"user {user.username!r} is gone or has changed meanwhile")
        return written

    def delete(self, pool_id: str, sub: str) -> bool:
        this = {"b_pool": pool_id, "b_sub": sub}
        # The profile first: a sign-in that is about to add an identity waits for this row, and then finds it gone.
        found = self._work.write(_DELETE, this).rowcount > 0
        for statement in (_DELETE_TOKENS, *_DELETE_OWNED, _BLANK_EVIDENCE):
            self._work.write(statement, this)
        return found


def indexed_form(name: str, value: str) -> str:
    return canonical_email(value) if name == "email" else value


def _content(user: User) -> dict[str, Any]:
    found = {name: user.attributes.get(name) for name in INDEXED}
    columns = {name: indexed_form(name, value) if value else None for name, value in found.items()}
    return {"version": user.version, "document": encode(user), **columns}
