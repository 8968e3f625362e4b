"""The identities of identity pools, and the logins that reach them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import bindparam, delete, select, update

from broker.errors import Conflict
from broker.model.identity import PoolIdentity
from broker.stores.documents import decode, encode
from broker.stores.sql.dialect import insert_new
from broker.stores.sql.prepared import Prepared
from broker.stores.sql.tables import pool_identities, pool_logins
from broker.stores.sql.work import Work

_GET = Prepared(select(pool_identities.c.document).where(pool_identities.c.id == bindparam("b_id")))
_BY_LOGIN = Prepared(
    select(pool_identities.c.document)
    .join(pool_logins, pool_logins.c.identity_id == pool_identities.c.id)
    .where(
        pool_logins.c.pool_id == bindparam("b_pool"),
        pool_logins.c.provider == bindparam("b_provider"),
        pool_logins.c.subject == bindparam("b_subject"),
    )
)
_CREATE = Prepared(insert_new(pool_identities))
_ADD_LOGIN = Prepared(insert_new(pool_logins))
_UPDATE = Prepared(
    update(pool_identities)
    .where(
        pool_identities.c.id == bindparam("b_id"),
        pool_identities.c.pool_id == bindparam("b_pool"),
        pool_identities.c.version == bindparam("b_version"),
    )
    .values(enabled=bindparam("enabled"), version=bindparam("version"), document=bindparam("document"))
)
_DROP_LOGINS = Prepared(delete(pool_logins).where(pool_logins.c.identity_id == bindparam("b_id")))
_DELETE = delete(pool_identities).where(pool_identities.c.id == bindparam("b_id"), pool_identities.c.pool_id == bindparam("b_pool"))
_LIST = (
    select(pool_identities.c.document)
    .where(
        pool_identities.c.pool_id == bindparam("b_pool"),
        pool_identities.c.id > bindparam("b_after"),
        pool_identities.c.enabled >= bindparam("b_enabled"),
    )
    .order_by(pool_identities.c.id)
    .limit(bindparam("b_limit"))
)


class SqlPoolIdentities:
    """ports.store.PoolIdentities."""

    __slots__ = ("_work",)

    def __init__(self, work: Work) -> None:
        self._work = work

    def get(self, identity_id: str) -> PoolIdentity | None:
        rows = self._work.look(_GET, {"b_id": identity_id})
        return decode(PoolIdentity, rows[0][0]) if rows else None

    def by_login(self, pool_id: str, provider: str, subject: str) -> PoolIdentity | None:
        rows = self._work.look(_BY_LOGIN, {"b_pool": pool_id, "b_provider": provider, "b_subject": subject})
        return decode(PoolIdentity, rows[0][0]) if rows else None

    def create(self, identity: PoolIdentity) -> None:
        row = {
            "id": identity.id,
            "pool_id": identity.pool_id,
            "enabled": int(identity.enabled),
            "version": identity.version,
            "document": encode(identity),
        }
        with self._work.step():
            if not self._work.put(_CREATE, row):
                raise Conflict(f"identity {identity.id} exists already")
            self._add_logins(identity)

    def update(self, identity: PoolIdentity) -> PoolIdentity:
        written = replace(identity, version=identity.version + 1)
        this = {"b_id": identity.id, "b_pool": identity.pool_id, "b_version": identity.version}
        content = {"enabled": int(written.enabled), "version": written.version, "document": encode(written)}
        with self._work.step():
            if not self._work.put(_UPDATE, {**this, **content}):
                raise Conflict(f"identity {identity.id} is gone or has changed meanwhile")
            self._work.put(_DROP_LOGINS, {"b_id": identity.id})
            self._add_logins(written)
        return written

    def delete(self, pool_id: str, identity_id: str) -> bool:
        return self._work.write(_DELETE, {"b_id": identity_id, "b_pool": pool_id}).rowcount > 0

    def list(self, pool_id: str, after: str | None = None, limit: int = 60, enabled_only: bool = False) -> Sequence[PoolIdentity]:
        parameters = {"b_pool": pool_id, "b_after": after or "", "b_enabled": int(enabled_only), "b_limit": limit}
        return [decode(PoolIdentity, document) for document in self._work.read(_LIST, parameters).scalars()]

    def _add_logins(self, identity: PoolIdentity) -> None:
        # In one order everywhere: two units that take the same logins wait for each other at the first, not across.
        for login in sorted(identity.logins, key=lambda login: (login.provider, login.subject)):
            row = {"pool_id": identity.pool_id, "provider": login.provider, "subject": login.subject, "identity_id": identity.id}
            if not self._work.put(_ADD_LOGIN, row):
                raise Conflict(f"a login of identity {identity.id} reaches another")
