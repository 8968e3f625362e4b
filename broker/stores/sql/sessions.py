"""Signed-in browsers, and standing agreements with third-party clients."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import bindparam, delete, select, update

from broker.errors import Conflict
from broker.model.login import Consent, Session
from broker.ports.environment import Seal
from broker.seal.errors import SealBroken
from broker.stores.documents import decode, encode, millis
from broker.stores.sql.dialect import insert_new, insert_or_replace
from broker.stores.sql.prepared import Prepared
from broker.stores.sql.tables import consents, sessions
from broker.stores.sql.work import Work

_THIS = (sessions.c.pool_id == bindparam("b_pool"), sessions.c.sid == bindparam("b_sid"))
_ALIVE = sessions.c.expires_at > bindparam("b_now")
_GET = Prepared(select(sessions.c.document).where(*_THIS, _ALIVE))
_PUT = Prepared(insert_new(sessions))
# PostgreSQL reads a row that it waited for as its last writer left it, and not at all once it is gone; SQLite has one writer anyway.
_LOCK = Prepared(select(sessions.c.document).where(*_THIS, _ALIVE).with_for_update())
_JOIN = update(sessions).where(*_THIS).values(document=bindparam("b_document"))
_OF_PROVIDER = select(sessions.c.document).where(
    sessions.c.pool_id == bindparam("b_pool"), sessions.c.provider == bindparam("b_provider"), _ALIVE
)
_OF_SUBJECT = _OF_PROVIDER.where(sessions.c.subject_key == bindparam("b_subject"))
_OF_INDEX = _OF_PROVIDER.where(sessions.c.upstream_index == bindparam("b_index"))
_OF_BOTH = _OF_SUBJECT.where(sessions.c.upstream_index == bindparam("b_index"))
_OF_USER = select(sessions.c.document).where(sessions.c.pool_id == bindparam("b_pool"), sessions.c.user_sub == bindparam("b_sub"), _ALIVE)
# An ended session that had expired anyway is deleted like any other, and was nobody's.
_END = delete(sessions).where(*_THIS).returning(sessions.c.document, sessions.c.expires_at)

_AGREED = (
    consents.c.pool_id == bindparam("b_pool"),
    consents.c.user_sub == bindparam("b_sub"),
    consents.c.client_id == bindparam("b_client"),
)
_CONSENT = select(consents.c.document).where(*_AGREED)
_AGREE = insert_or_replace(consents)
_WITHDRAW = delete(consents).where(*_AGREED)


class SqlSessions:
    """ports.store.Sessions."""

    __slots__ = ("_seal", "_work")

    def __init__(self, work: Work, seal: Seal) -> None:
        self._work = work
        self._seal = seal

    def get(self, pool_id: str, sid: str) -> Session | None:
        rows = self._work.look(_GET, {"b_pool": pool_id, "b_sid": sid, "b_now": self._work.now_ms()})
        return self._opened(decode(Session, rows[0][0])) if rows else None

    def put(self, session: Session) -> None:
        row = {
            "pool_id": session.pool_id,
            "sid": session.id,
            "user_sub": session.user_sub,
            "provider": session.provider,
            "subject_key": session.upstream_subject_key,
            "upstream_index": session.upstream_index,
            "expires_at": millis(session.expires_at),
            "document": encode(self._sealed(session)),
        }
        if not self._work.put(_PUT, row):
            raise Conflict(f"session {session.id} exists already")

    def join(self, pool_id: str, sid: str, client_id: str) -> Session | None:
        rows = self._work.lock(_LOCK, {"b_pool": pool_id, "b_sid": sid, "b_now": self._work.now_ms()})
        if not rows:
            return None
        document: str = rows[0][0]
        session = decode(Session, document)
        if client_id not in session.clients:
            session = replace(session, clients=(*session.clients, client_id))
            self._work.write(_JOIN, {"b_pool": pool_id, "b_sid": sid, "b_document": encode(session)})
        return self._opened(session)

    def of_upstream(self, pool_id: str, provider: str, subject_key: str | None, index: str | None = None) -> Sequence[Session]:
        if subject_key is None and index is None:
            return []
        statement = _OF_SUBJECT if index is None else _OF_INDEX if subject_key is None else _OF_BOTH
        given = {"b_subject": subject_key, "b_index": index}
        chosen = {name: value for name, value in given.items() if value is not None}
        return self._several(statement, {"b_pool": pool_id, "b_provider": provider, **chosen})

    def of_user(self, pool_id: str, user_sub: str) -> Sequence[Session]:
        return self._several(_OF_USER, {"b_pool": pool_id, "b_sub": user_sub})

    def end(self, pool_id: str, sid: str) -> Session | None:
        row = self._work.write(_END, {"b_pool": pool_id, "b_sid": sid}).first()
        return self._opened(decode(Session, row.document)) if row is not None and row.expires_at > self._work.now_ms() else None

    def _several(self, statement: Any, parameters: dict[str, Any]) -> list[Session]:
        rows = self._work.read(statement, {**parameters, "b_now": self._work.now_ms()})
        found = (self._opened(decode(Session, document)) for document in rows.scalars())
        return sorted(found, key=lambda session: (session.created_at, session.id))

    def _sealed(self, session: Session) -> Session:
        """As it is stored: the upstream's ID token is a bearer of claims, and is kept for nothing but the hint of a logout."""
        token = session.upstream.get("id_token")
        if not token:
            return session
        sealed = self._seal.seal(session_context(session.pool_id, session.id), token.encode())
        return replace(session, upstream={**session.upstream, "id_token": b64encode(sealed).decode()})

    def _opened(self, session: Session) -> Session:
        token = session.upstream.get("id_token")
        if not token:
            return session
        try:
            opened = self._seal.open(session_context(session.pool_id, session.id), b64decode(token, validate=True)).decode()
        except (SealBroken, ValueError):
            # Sealed under a master key that is gone by now: no reason to fail, the logout upstream merely goes without its hint.
            opened = None
        return replace(session, upstream={**session.upstream, "id_token": opened})


def session_context(pool_id: str, sid: str) -> str:
    """What a session's upstream ID token is sealed for."""
    return f"session:{pool_id}:{sid}"


class SqlConsents:
    """ports.store.Consents."""

    __slots__ = ("_work",)

    def __init__(self, work: Work) -> None:
        self._work = work

    def get(self, pool_id: str, user_sub: str, client_id: str) -> Consent | None:
        document = self._work.read(_CONSENT, {"b_pool": pool_id, "b_sub": user_sub, "b_client": client_id}).scalar()
        return None if document is None else decode(Consent, document)

    def put(self, consent: Consent) -> None:
        row = {"pool_id": consent.pool_id, "user_sub": consent.user_sub, "client_id": consent.client_id, "document": encode(consent)}
        self._work.write(_AGREE.on(self._work.sqlite), row)

    def withdraw(self, pool_id: str, user_sub: str, client_id: str) -> bool:
        return self._work.write(_WITHDRAW, {"b_pool": pool_id, "b_sub": user_sub, "b_client": client_id}).rowcount > 0
