"""Upstream identities, links that wait for one, and who is in which group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import and_, bindparam, delete, or_, select

from broker.errors import Conflict
from broker.model.users import LinkedIdentity, PendingLink
from broker.stores.documents import decode, encode, millis
from broker.stores.sql.dialect import insert_new
from broker.stores.sql.prepared import Prepared
from broker.stores.sql.tables import identities, memberships, pending_links
from broker.stores.sql.work import Work

_THIS = (
    identities.c.pool_id == bindparam("b_pool"),
    identities.c.provider == bindparam("b_provider"),
    identities.c.subject_key == bindparam("b_subject"),
)
_FIND = Prepared(select(identities.c.document).where(*_THIS))
_OF_USER = Prepared(
    select(identities.c.document)
    .where(identities.c.pool_id == bindparam("b_pool"), identities.c.user_sub == bindparam("b_sub"))
    .order_by(identities.c.is_primary.desc(), identities.c.created_at, identities.c.provider, identities.c.subject_key)
)
_ADD = insert_new(identities)
_REMOVE = delete(identities).where(*_THIS)
_ADD_PENDING = insert_new(pending_links)
_PENDING_OWNER = select(pending_links.c.user_sub).where(
    *(pending_links.c[name] == bindparam(f"b_{name}") for name in ("pool_id", "provider", "attribute", "value"))
)
_MEMBER = (
    memberships.c.pool_id == bindparam("b_pool"),
    memberships.c.group_name == bindparam("b_group"),
    memberships.c.user_sub == bindparam("b_sub"),
)
_GROUPS_OF = Prepared(
    select(memberships.c.group_name)
    .where(memberships.c.pool_id == bindparam("b_pool"), memberships.c.user_sub == bindparam("b_sub"))
    .order_by(memberships.c.group_name)
)
_MEMBERS = (
    select(memberships.c.user_sub)
    .where(
        memberships.c.pool_id == bindparam("b_pool"),
        memberships.c.group_name == bindparam("b_group"),
        memberships.c.user_sub > bindparam("b_after"),
    )
    .order_by(memberships.c.user_sub)
    .limit(bindparam("b_limit"))
)
_JOIN = insert_new(memberships)
_LEAVE = delete(memberships).where(*_MEMBER)


class SqlIdentities:
    """ports.store.Identities. Adding to a profile that does not exist is a Conflict (a foreign key)."""

    __slots__ = ("_work",)

    def __init__(self, work: Work) -> None:
        self._work = work

    def find(self, pool_id: str, provider: str, subject_key: str) -> LinkedIdentity | None:
        parameters = {"b_pool": pool_id, "b_provider": provider, "b_subject": subject_key}
        rows = self._work.look(_FIND, parameters)
        return decode(LinkedIdentity, rows[0][0]) if rows else None

    def of_user(self, pool_id: str, user_sub: str) -> Sequence[LinkedIdentity]:
        rows = self._work.look(_OF_USER, {"b_pool": pool_id, "b_sub": user_sub})
        return [decode(LinkedIdentity, document) for (document,) in rows]

    def add(self, link: LinkedIdentity) -> None:
        row = {
            "pool_id": link.pool_id,
            "provider": link.provider,
            "subject_key": link.subject_key,
            "user_sub": link.user_sub,
            "is_primary": int(link.primary),
            "created_at": millis(link.created_at),
            "document": encode(link),
        }
        if not self._work.write(_ADD.on(self._work.sqlite), row).rowcount:
            raise Conflict(f"this identity of {link.provider!r} reaches a profile already")

    def remove(self, pool_id: str, provider: str, subject_key: str) -> bool:
        parameters = {"b_pool": pool_id, "b_provider": provider, "b_subject": subject_key}
        return self._work.write(_REMOVE, parameters).rowcount > 0

    def add_pending(self, link: PendingLink) -> None:
        place = {"pool_id": link.pool_id, "provider": link.provider, "attribute": link.attribute, "value": link.value}
        row = {**place, "user_sub": link.user_sub, "document": encode(link)}
        if self._work.write(_ADD_PENDING.on(self._work.sqlite), row).rowcount:
            return
        owner = self._work.read(_PENDING_OWNER, {f"b_{name}": value for name, value in place.items()}).scalar()
        if owner != link.user_sub:
            raise Conflict(f"{link.attribute} of {link.provider!r} is pending for another user")

    def pending(self, pool_id: str, provider: str, values: Mapping[str, str], take: bool = False) -> Sequence[PendingLink]:
        if not values:
            return []
        answered = or_(*(and_(pending_links.c.attribute == name, pending_links.c.value == value) for name, value in values.items()))
        of_provider = and_(pending_links.c.pool_id == pool_id, pending_links.c.provider == provider, answered)
        if take:
            documents = self._work.write(delete(pending_links).where(of_provider).returning(pending_links.c.document)).scalars().all()
        else:
            documents = self._work.read(select(pending_links.c.document).where(of_provider)).scalars().all()
        return sorted((decode(PendingLink, document) for document in documents), key=lambda link: (link.created_at, link.attribute))


class SqlMemberships:
    """ports.store.Memberships."""

    __slots__ = ("_work",)

    def __init__(self, work: Work) -> None:
        self._work = work

    def groups_of(self, pool_id: str, user_sub: str) -> Sequence[str]:
        return [name for (name,) in self._work.look(_GROUPS_OF, {"b_pool": pool_id, "b_sub": user_sub})]

    def members(self, pool_id: str, group: str, after: str | None = None, limit: int = 60) -> Sequence[str]:
        parameters = {"b_pool": pool_id, "b_group": group, "b_after": after or "", "b_limit": limit}
        return self._work.read(_MEMBERS, parameters).scalars().all()

    def add(self, pool_id: str, group: str, user_sub: str) -> None:
        self._work.write(_JOIN.on(self._work.sqlite), {"pool_id": pool_id, "group_name": group, "user_sub": user_sub})

    def remove(self, pool_id: str, group: str, user_sub: str) -> bool:
        return self._work.write(_LEAVE, {"b_pool": pool_id, "b_group": group, "b_sub": user_sub}).rowcount > 0
