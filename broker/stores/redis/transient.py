"""Short-lived state in Redis 7 or newer. No Lua: each step is atomic by what SET, MULTI and WATCH promise.

A value is two keys in one hash slot. `{name}v` says what it is: `L` and the value while it lives, `B` once it is burned. `{name}c` is a
copy of the value, for whoever comes after. To take is one transaction: `SET v B XX GET` answers what was there and leaves B, so exactly
one caller sees L; XX makes nothing out of nothing; GT on the expiries lets a tombstone only grow.

Redis may come back without its last writes: restarted from an older snapshot, or a replica promoted. A code taken since then would live
again. Therefore a value carries the run id of the server that took it in, and under any other run id it counts as absent. Sign-ins in
flight are lost with the server; they can be begun again, while a code honoured twice cannot be taken back.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

import redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, WatchError
from redis.retry import Retry

from broker.errors import Conflict, Unavailable
from broker.ports.environment import Clock
from broker.ports.transient import Absent, Burned, Taken
from broker.stores.documents import millis
from broker.stores.transient_names import counter_name, transient_name

T = TypeVar("T")

TIMEOUT_SECONDS = 1.0
_PREFIX = "crossgate:"
_LIVE = b"L"
_BURNED = b"B"
_RUN_ID = 16
_HEAD = 1 + _RUN_ID
# Each lost race means that another caller's step succeeded, and a burned value changes no more: a few rounds are plenty.
_ROUNDS = 20


class RedisTransient:
    """ports.transient.Transient. A connection that breaks is tried once more at once, then it is Unavailable."""

    def __init__(self, client: redis.Redis, clock: Clock) -> None:
        """`client` answers bytes. Its pool's connections report their server's run id here."""
        self._client = client
        self._clock = clock
        self._run_id = b""
        client.connection_pool.connection_kwargs["redis_connect_func"] = self._on_connect

    @classmethod
    def connect(cls, url: str, clock: Clock) -> RedisTransient:
        client = redis.Redis.from_url(
            url,
            socket_timeout=TIMEOUT_SECONDS,
            socket_connect_timeout=TIMEOUT_SECONDS,
            socket_keepalive=True,
            # An idle connection may have been closed by the other side: one new one, no waiting.
            retry=Retry(NoBackoff(), 1),
            max_connections=128,
        )
        return cls(client, clock)

    def put(self, kind: str, key: str, value: bytes, expires_at: datetime) -> None:
        name, life = _keys(kind, key), self._left(expires_at)

        def first() -> bool:
            pipe = self._client.pipeline()
            pipe.set(name.value, self._live(value), px=life, nx=True)
            # The copy is there whenever the other key is: they are made together and end together.
            pipe.set(name.copy, value, px=life, nx=True)
            return pipe.execute()[0] is True

        def again(pipe: Any, stored: bytes | None) -> None:
            if stored is not None and stored[:1] == _BURNED:
                raise Conflict(f"this {kind} has been used")
            pipe.set(name.value, self._live(value), px=life)
            pipe.set(name.copy, value, px=life)

        for _ in range(2):
            stamp = self._run_id
            if not self._reached(first):
                self._watched(name, again)
            # A connection that was dead is replaced on the way, maybe by one to a server of another run: then the stamp was the old one's.
            if stamp in {b"", self._run_id}:
                return

    def get(self, kind: str, key: str) -> bytes | None:
        def read() -> Any:
            return self._client.get(_keys(kind, key).value)

        return self._content(self._reached(read))

    def take(self, kind: str, key: str, tombstone_until: datetime) -> Taken | Burned | Absent:
        name = _keys(kind, key)
        # The look first: what is burned or gone already is answered without a write that would draw out its tombstone.
        stored, copy = self._look(name)
        if self._content(stored) is not None:
            stored, copy = self._burn_what_is_there(name, tombstone_until)
        if stored is not None and stored[:1] == _BURNED:
            return Burned(copy or b"")
        value = self._content(stored)
        return Absent() if value is None else Taken(value)

    def burn(self, kind: str, key: str, until: datetime) -> bool:
        name, life = _keys(kind, key), self._left(until)

        def first() -> bool:
            pipe = self._client.pipeline()
            pipe.set(name.value, _BURNED, px=life, nx=True)
            pipe.set(name.copy, b"", px=life, nx=True)
            return pipe.execute()[0] is True

        for _ in range(_ROUNDS):
            if self._reached(first):
                return True
            stored, _copy = self._look(name)
            if stored is not None and stored[:1] == _LIVE:
                stored, _copy = self._burn_what_is_there(name, until)
            if stored is not None:
                return stored[:1] == _LIVE
        raise Unavailable("redis: a key came and went too often")

    def count(self, kind: str, key: str, window_seconds: int, by: int = 1) -> int:
        now = self._now()
        name, ends = counter_name(kind, key, window_seconds, now)

        def step() -> int:
            pipe = self._client.pipeline()
            pipe.incrby(_PREFIX + name, by)
            pipe.pexpire(_PREFIX + name, max(1, ends - now))
            return int(pipe.execute()[0])

        return self._reached(step)

    def _look(self, name: _Keys) -> tuple[bytes | None, bytes | None]:
        def step() -> Any:
            return self._client.mget(name.value, name.copy)

        stored, copy = self._reached(step)
        return stored, copy

    def _burn_what_is_there(self, name: _Keys, until: datetime) -> tuple[bytes | None, bytes | None]:
        """In one transaction: what was there, if anything, and the copy; it is burned now, for as long as the longer of both says."""
        life = self._left(until)

        def step() -> tuple[bytes | None, bytes | None]:
            pipe = self._client.pipeline()
            pipe.set(name.value, _BURNED, xx=True, get=True, keepttl=True)
            pipe.pexpire(name.value, life, gt=True)
            pipe.get(name.copy)
            pipe.pexpire(name.copy, life, gt=True)
            stored, _, copy, _ = pipe.execute()
            return stored, copy

        return self._reached(step)

    def _watched(self, name: _Keys, step: Callable[[Any, bytes | None], None]) -> None:
        """Queue what `step` says for what is stored, and run it only if that is still so; else look again."""

        def attempt() -> bool:
            # The client's types do not know that a watching pipeline answers at once.
            watching: Any = self._client.pipeline()
            with watching as pipe:
                pipe.watch(name.value)
                stored = pipe.get(name.value)
                pipe.multi()
                step(pipe, stored)
                try:
                    pipe.execute()
                except WatchError:
                    return False
                return True

        if not any(self._reached(attempt) for _ in range(_ROUNDS)):
            raise Unavailable("redis: a key changed too often")

    def _live(self, value: bytes) -> bytes:
        # The connection that will carry the value has reported, unless this is the first command of all.
        if not self._run_id:
            self._client.ping()
        return _LIVE + self._run_id + value

    def _content(self, stored: bytes | None) -> bytes | None:
        if stored is None or stored[:1] != _LIVE or stored[1:_HEAD] != self._run_id:
            return None
        return stored[_HEAD:]

    def _on_connect(self, connection: Any) -> None:
        """Every new connection asks who is there before it carries anything: after a restart, all connections are new."""
        connection.on_connect()
        connection.send_command("INFO", "server", check_health=False)
        info = connection.read_response()
        text = info.decode("utf-8", "replace") if isinstance(info, bytes) else str(info)
        found = next((line[7:].strip() for line in text.splitlines() if line.startswith("run_id:")), "")
        self._run_id = found[:_RUN_ID].ljust(_RUN_ID, "-").encode("ascii", "replace")

    def _left(self, expires_at: datetime) -> int:
        """Milliseconds until then. Redis takes no less than one."""
        return max(1, millis(expires_at) - self._now())

    def _now(self) -> int:
        return millis(self._clock.now())

    def _reached(self, step: Callable[[], T]) -> T:
        try:
            return step()
        except (RedisError, OSError) as error:
            raise Unavailable(f"redis: {type(error).__name__}: {error}") from error


class _Keys:
    """The two keys of a name. The braces put them into one slot of a cluster, where a transaction needs them."""

    __slots__ = ("copy", "value")

    def __init__(self, name: str) -> None:
        self.value = f"{_PREFIX}{{{name}}}v"
        self.copy = f"{_PREFIX}{{{name}}}c"


def _keys(kind: str, key: str) -> _Keys:
    return _Keys(transient_name(kind, key))
