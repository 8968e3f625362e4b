"""What a login costs when there are many providers, or many profiles; how much memory a worker takes, and how long a start."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import ExitStack, closing
from pathlib import Path

from bench import crossgate
from bench.logins import Broker, Crowd
from bench.party import Party
from bench.results import Row, Run, median, spread

FIRST, USERS = 1000, 50  # the users who sign in, among however many there are
MIB = 1 << 20


def run(run: Run) -> list[Row]:
    """Few and many side by side, in turns."""
    party = Party.write(run.folder)
    return [*_providers(run, party), *_profiles(run, party)]


def _providers(run: Run, party: Party) -> list[Row]:
    """10 and 5,000 providers; logins go over ten of them either way."""
    many = run.times(5000, 500)
    with ExitStack() as stack:
        few = stack.enter_context(crossgate.serving(run.folder / "few", party, providers=10, used=10))
        lots = stack.enter_context(crossgate.serving(run.folder / "lots", party, providers=many, used=10, patience=600))
        rows = [_compared(run, f"CPU per login, {many:,} providers against 10", Crowd(party, lots), Crowd(party, few))]
        rows += _memory(run, party, few, "10 providers")
        rows += _memory(run, party, lots, f"{many:,} providers")
    return rows


def _profiles(run: Run, party: Party) -> list[Row]:
    """1,000 and 1,000,000 profiles; those who sign in are spread evenly among them."""
    many = run.times(1_000_000, 50_000)
    folders = {number: run.folder / f"profiles-{number}" for number in (1000, many)}
    for number, folder in folders.items():
        with crossgate.serving(folder, party) as broker:
            Crowd(party, broker, users=1, first=FIRST).sign_in(1)  # makes the tables, and one profile to copy
        fill(folder / "crossgate.db", number)
    with ExitStack() as stack:
        crowds = {
            number: Crowd(party, stack.enter_context(crossgate.serving(folder, party)), users=USERS, first=FIRST, stride=number // USERS)
            for number, folder in folders.items()
        }
        return [_compared(run, f"CPU per login, {many:,} profiles against 1,000", crowds[many], crowds[1000])]


def _compared(run: Run, what: str, large: Crowd, small: Crowd) -> Row:
    found: tuple[list[float], list[float]] = ([], [])
    for crowd in (large, small):
        crowd.sign_in(run.times(200, 60))
    for _ in range(run.times(5, 2)):
        for crowd, costs in zip((large, small), found, strict=True):
            tally = crowd.sign_in(run.times(200, 60))
            if tally.failures:
                raise RuntimeError(tally.failures[0])
            costs.append(tally.cpu_ms)
    return Row(what, spread(found[0]), spread(found[1]), median(found[0]) / median(found[1]), "<= 1.2")


def _memory(run: Run, party: Party, broker: Broker, where: str) -> list[Row]:
    """Proportional set sizes: what several processes share counts once."""
    server, stop = broker.server, threading.Event()
    watching = server.watch_memory(stop)
    Crowd(party, broker).sign_in(run.times(200, 60))
    stop.set()
    watching.join()
    sizes = sorted(server.memory_by_process().values(), reverse=True)
    return [
        Row(f"time to ready, {where}", f"{server.seconds_to_ready:.1f} s"),
        Row(f"memory of a worker, {where}", f"{sizes[0] / MIB:.0f} MiB"),
        Row(f"memory of all its processes at the peak, {where}", f"{server.peak_memory / MIB:.0f} MiB"),
    ]


def fill(database: Path, profiles: int) -> None:
    """Copy the one profile that is there, and its identity, until there are so many: user N of the party has profile N."""
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        sub = connection.execute("SELECT sub FROM users").fetchone()[0]
        for table in ("users", "identities"):
            names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            row = connection.execute(f"SELECT * FROM {table}").fetchone()
            marks = ", ".join("?" * len(names))
            others = (number for number in range(FIRST, FIRST + profiles) if number != FIRST)
            with connection:
                connection.executemany(
                    f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})", (_as(row, sub, number) for number in others)
                )
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _as(row: tuple[object, ...], sub: str, number: int) -> tuple[object, ...]:
    """The row of another user: whatever names the first one in it names this one."""
    changes = ((f"{FIRST:032x}", f"{number:032x}"), (f"doe{FIRST}@", f"doe{number}@"), (sub, f"{number:08x}{sub[8:]}"))

    def changed(value: object) -> object:
        if isinstance(value, str):
            for old, new in changes:
                value = value.replace(old, new)
        return value

    return tuple(changed(value) for value in row)
