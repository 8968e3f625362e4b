"""Refresh families and the hashes of their tokens.

`advance` locks the token's row and its family's, in that order everywhere: of two that show one token, the second sees what the first did.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, bindparam, insert, or_, select, update

from broker.errors import Conflict
from broker.model.login import RefreshFamily
from broker.ports.store import Advanced, Reused
from broker.stores.documents import decode, encode, millis, span
from broker.stores.lifetimes import ACCESS_TOKEN_CEILING
from broker.stores.rotation import retired_until, worth
from broker.stores.sql.dialect import insert_new
from broker.stores.sql.prepared import Prepared
from broker.stores.sql.tables import families, refresh_tokens
from broker.stores.sql.work import Work

_START = Prepared(insert_new(families))
_ADD_TOKEN = Prepared(insert(refresh_tokens))
_BY_TOKEN = (
    select(refresh_tokens.c.usable_until, families.c.id, families.c.pool_id, families.c.revoked, families.c.expires_at, families.c.document)
    .join(families, families.c.id == refresh_tokens.c.family)
    .where(refresh_tokens.c.token_hash == bindparam("b_token"))
)
_FIND = _BY_TOKEN.where(
    families.c.revoked == 0,
    families.c.expires_at > bindparam("b_now"),
    or_(refresh_tokens.c.usable_until.is_(None), refresh_tokens.c.usable_until > bindparam("b_now")),
)
# Both rows are locked: PostgreSQL reads a locked row again as its last writer left it, and the other one from the old snapshot.
_LOCK = _BY_TOKEN.with_for_update(of=[refresh_tokens, families])
_RETIRE = update(refresh_tokens).where(refresh_tokens.c.token_hash == bindparam("b_token")).values(usable_until=bindparam("b_until"))
_REVOKE = update(families).where(families.c.revoked == 0).values(revoked=1, removed_at=bindparam("b_removed"))
_REVOKE_BY = {
    "family": families.c.id == bindparam("b_family"),
    "user_sub": families.c.user_sub == bindparam("b_user_sub"),
    "client_id": families.c.client_id == bindparam("b_client_id"),
    "session_id": families.c.session_id == bindparam("b_session_id"),
}
_REVOKED = select(families.c.revoked).where(and_(families.c.id == bindparam("b_family"), families.c.pool_id == bindparam("b_pool")))


class SqlRefreshes:
    """ports.store.Refreshes. A caller that gets Reused must let the unit end well before it refuses, or the revocation is rolled back."""

    __slots__ = ("_work",)

    def __init__(self, work: Work) -> None:
        self._work = work

    def start(self, family: RefreshFamily, token_hash: str) -> None:
        """Raises Conflict if the family exists: one sign-in's code is not redeemed twice, whatever became of the transient store."""
        row = {
            "id": family.id,
            "pool_id": family.pool_id,
            "user_sub": family.user_sub,
            "client_id": family.client_id,
            "session_id": family.session_id,
            "revoked": int(family.revoked),
            "expires_at": millis(family.expires_at),
            "removed_at": millis(family.expires_at + ACCESS_TOKEN_CEILING),
            "document": encode(family),
        }
        if not self._work.put(_START, row):
            raise Conflict(f"refresh family {family.id} exists already")
        self._add(family.pool_id, family.id, token_hash)

    def find(self, token_hash: str) -> RefreshFamily | None:
        row = self._work.read(_FIND, {"b_token": token_hash, "b_now": self._work.now_ms()}).first()
        return None if row is None else _family(row)

    def advance(self, token_hash: str, successor_hash: str, now: datetime, grace_seconds: int) -> Advanced | Reused | None:
        moment = millis(now)
        row = self._work.write(_LOCK, {"b_token": token_hash}).first()
        if row is None:
            return None
        found = worth(row.usable_until, row.expires_at, bool(row.revoked), moment)
        if found == "over":
            return None
        if found == "reused":
            self.revoke(row.pool_id, family=row.id)
            return Reused(replace(_family(row), revoked=True))
        if found == "current":
            self._work.write(_RETIRE, {"b_token": token_hash, "b_until": retired_until(moment, grace_seconds)})
        self._add(row.pool_id, row.id, successor_hash)
        return Advanced(_family(row))

    def revoke(
        self,
        pool_id: str,
        *,
        family: str | None = None,
        user_sub: str | None = None,
        session_id: str | None = None,
        client_id: str | None = None,
    ) -> int:
        given = {"family": family, "user_sub": user_sub, "session_id": session_id, "client_id": client_id}
        chosen = {name: value for name, value in given.items() if value is not None}
        if not chosen:
            raise ValueError("say what to revoke")
        statement = _REVOKE.where(families.c.pool_id == bindparam("b_pool"), *(_REVOKE_BY[name] for name in chosen))
        parameters = {f"b_{name}": value for name, value in chosen.items()}
        removed = self._work.now_ms() + span(ACCESS_TOKEN_CEILING.total_seconds())
        return self._work.write(statement, {**parameters, "b_pool": pool_id, "b_removed": removed}).rowcount

    def is_revoked(self, pool_id: str, family: str) -> bool:
        return self._work.read(_REVOKED, {"b_family": family, "b_pool": pool_id}).scalar() != 0

    def _add(self, pool_id: str, family: str, token_hash: str) -> None:
        self._work.put(_ADD_TOKEN, {"token_hash": token_hash, "pool_id": pool_id, "family": family, "usable_until": None})


def _family(row: Row[Any]) -> RefreshFamily:
    return replace(decode(RefreshFamily, row.document), revoked=bool(row.revoked))
