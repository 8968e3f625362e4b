"""ports.transient.Transient against a model: any sequence of steps, in any order, with time passing in between."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from broker.errors import Conflict
from broker.ports.transient import Absent, Burned, Taken
from tests.contract.adapters import TRANSIENTS, Case, case

KEYS = st.sampled_from(["a", "b"])
VALUES = st.sampled_from([b"", b"1", b"2", b"\xff\x00"])
SECONDS = st.integers(1, 50)


@dataclass
class Entry:
    """What the model knows of a key: `end` in seconds of the model's own time."""

    value: bytes
    end: int
    burned: bool = False


class Machine(RuleBasedStateMachine):
    """Each step is done to the adapter and to the model, and both must answer alike."""

    make: Callable[[], Case]

    def __init__(self) -> None:
        super().__init__()
        self.case = type(self).make()
        self.now = 0
        self.model: dict[str, Entry] = {}

    def teardown(self) -> None:
        self.case.close()

    def at(self, seconds: int) -> datetime:
        return self.case.clock.now() + timedelta(seconds=seconds)

    def alive(self, key: str) -> Entry | None:
        entry = self.model.get(key)
        return entry if entry is not None and entry.end > self.now else None

    @rule(key=KEYS, value=VALUES, seconds=SECONDS)
    def put(self, key: str, value: bytes, seconds: int) -> None:
        entry = self.alive(key)
        if entry is not None and entry.burned:
            with pytest.raises(Conflict):
                self.case.transient.put("k", key, value, self.at(seconds))
            return
        self.case.transient.put("k", key, value, self.at(seconds))
        self.model[key] = Entry(value, self.now + seconds)

    @rule(key=KEYS)
    def get(self, key: str) -> None:
        entry = self.alive(key)
        assert self.case.transient.get("k", key) == (entry.value if entry and not entry.burned else None)

    @rule(key=KEYS, seconds=SECONDS)
    def take(self, key: str, seconds: int) -> None:
        entry = self.alive(key)
        answer = self.case.transient.take("k", key, self.at(seconds))
        if entry is None:
            assert answer == Absent()
            return
        assert answer == (Burned(entry.value) if entry.burned else Taken(entry.value))
        if not entry.burned:
            self.entomb(entry, seconds)

    @rule(key=KEYS, seconds=SECONDS)
    def burn(self, key: str, seconds: int) -> None:
        entry = self.alive(key)
        assert self.case.transient.burn("k", key, self.at(seconds)) is (entry is None or not entry.burned)
        if entry is None:
            self.model[key] = Entry(b"", self.now + seconds, True)
        elif not entry.burned:
            self.entomb(entry, seconds)

    def entomb(self, entry: Entry, seconds: int) -> None:
        entry.burned, entry.end = True, max(entry.end, self.now + seconds)

    @precondition(lambda self: bool(self.model))
    @rule(seconds=st.integers(1, 60))
    def time_passes(self, seconds: int) -> None:
        self.case.advance(seconds)
        self.now += seconds


@pytest.mark.parametrize("name", TRANSIENTS)
def test_any_sequence_of_steps_answers_as_the_model_does(name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        numbers = iter(range(1_000_000))

        def make() -> Case:
            own = Path(folder) / str(next(numbers))
            own.mkdir()
            return case(name, own)

        machine = type("Bound", (Machine,), {"make": staticmethod(make)})
        run_state_machine_as_test(machine, settings=settings(max_examples=25 if name != "memory" else 100, stateful_step_count=30))
    assert next(numbers) > 20
