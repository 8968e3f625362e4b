"""Deleting what has ended, in small transactions, so that nobody who signs in waits for the broom."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Column, Delete, Engine, Table, bindparam, delete, select, tuple_
from sqlalchemy.exc import SQLAlchemyError

from broker.stores.sql.tables import families, leases, refresh_tokens, replay_keys, sessions, traces, transient
from broker.stores.sql.work import Work, translated

BATCH = 500
# At most this many batches a table and call: the worker comes again.
_ROUNDS = 40


def _ended(table: Table, ends: Column[int]) -> Delete:
    key = list(table.primary_key)
    ended = select(*key).where(ends <= bindparam("b_now")).limit(BATCH)
    return delete(table).where(tuple_(*key).in_(ended) if len(key) > 1 else key[0].in_(ended))


# Tokens before their family, because they are found through it. A long family has many: each batch takes those of few families.
_ENDED_FAMILIES = select(families.c.id).where(families.c.removed_at <= bindparam("b_now"))
_TOKENS = delete(refresh_tokens).where(
    refresh_tokens.c.token_hash.in_(select(refresh_tokens.c.token_hash).where(refresh_tokens.c.family.in_(_ENDED_FAMILIES)).limit(BATCH))
)
_DURABLE: tuple[Delete, ...] = (
    _ended(sessions, sessions.c.expires_at),
    _TOKENS,
    _ended(families, families.c.removed_at),
    _ended(traces, traces.c.expires_at),
    _ended(replay_keys, replay_keys.c.until),
    _ended(leases, leases.c.until),
)
_TRANSIENT = _ended(transient, transient.c.expires_at)


def expire_durable(begin: Callable[[], Work], now_ms: int) -> int:
    """Returns how many rows went. Raises Unavailable; the batches before stay done."""
    return sum(_sweep(begin, statement, now_ms) for statement in _DURABLE)


def _sweep(begin: Callable[[], Work], statement: Delete, now_ms: int) -> int:
    total = 0
    for _ in range(_ROUNDS):
        work = begin()
        try:
            count = work.write(statement, {"b_now": now_ms}).rowcount
        except BaseException:
            work.rollback()
            raise
        work.commit()
        total += count
        if count < BATCH:
            break
    return total


def expire_transient(engine: Engine, now_ms: int) -> int:
    """The same for the transient rows, which may live in a database of their own. Each statement is a transaction."""
    total = 0
    try:
        for _ in range(_ROUNDS):
            with engine.connect() as connection:
                count = connection.execute(_TRANSIENT, {"b_now": now_ms}).rowcount
            total += count
            if count < BATCH:
                break
    except SQLAlchemyError as error:
        raise translated(error) from error
    return total
