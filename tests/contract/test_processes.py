"""The same between processes, where no lock of ours reaches."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path

from tests.contract import samples
from tests.contract.adapters import Case
from tests.contract.samples import POOL

ROOT = Path(__file__).resolve().parents[2]
PROCESSES = 3
THREADS = 8

# What each process runs: it says when it is ready, waits for the word, and lets its threads loose.
PROGRAM = """
import json, sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from broker.errors import Conflict
from broker.stores.open import open_store, open_transient
from tests.contract.adapters import SEAL
from tests.contract import samples
from tests.fakes.clock import MovableClock

what, store_url, transient_url, threads, me = sys.argv[1:]
clock = MovableClock()
store = open_store(store_url, SEAL, clock)
transient = open_transient(transient_url, store, clock)
until = clock.now() + timedelta(minutes=5)

def take(number):
    return type(transient.take("code", "k", until)).__name__

def burn(number):
    return str(transient.burn("replay", "k", until))

def count(number):
    return str(transient.count("rate", "k", 86400))

def durable_burn(number):
    with store.unit() as unit:
        return str(unit.burn("assertion", until))

def advance(number):
    with store.unit() as unit:
        return type(unit.refreshes.advance("t1", f"{me}-{number}", clock.now(), 0)).__name__

def sign_up(number):
    try:
        with store.unit() as unit:
            unit.users.create(samples.user(clock.now(), f"{me}-{number}", username="one"))
    except Conflict:
        return "Conflict"
    return "created"

print("ready", flush=True)
sys.stdin.readline()
with ThreadPoolExecutor(int(threads)) as pool:
    print(json.dumps(list(pool.map(globals()[what], range(int(threads))))))
store.close()
"""


def in_processes(what: str, case: Case) -> Counter[str]:
    command = [sys.executable, "-c", PROGRAM, what, case.store_url, case.transient_url, str(THREADS)]
    running = [
        subprocess.Popen([*command, f"p{number}"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for number in range(PROCESSES)
    ]
    answers: Counter[str] = Counter()
    try:
        for process in running:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in running:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        for process in running:
            out, _ = process.communicate(timeout=60)
            assert process.returncode == 0
            answers.update(json.loads(out))
    finally:
        for process in running:
            process.kill()
            process.communicate()
    return answers


EVERYBODY = PROCESSES * THREADS


def test_processes_take_once(shared_fleeting: Case) -> None:
    case = shared_fleeting
    case.transient.put("code", "k", b"grant", case.clock.now() + timedelta(minutes=10))
    assert in_processes("take", case) == {"Taken": 1, "Burned": EVERYBODY - 1}


def test_processes_burn_once_and_count_each(shared_fleeting: Case) -> None:
    assert in_processes("burn", shared_fleeting) == {"True": 1, "False": EVERYBODY - 1}
    assert in_processes("count", shared_fleeting) == {str(number): 1 for number in range(1, EVERYBODY + 1)}


def test_processes_burn_durably_once(shared: Case) -> None:
    assert in_processes("durable_burn", shared) == {"True": 1, "False": EVERYBODY - 1}


def test_processes_advance_once(shared: Case) -> None:
    with shared.store.unit() as unit:
        unit.refreshes.start(samples.family(shared.clock.now()), "t1")
    assert in_processes("advance", shared) == {"Advanced": 1, "Reused": 1, "NoneType": EVERYBODY - 2}
    with shared.store.unit() as unit:
        assert unit.refreshes.is_revoked(POOL, "family-1")


def test_processes_sign_up_once(shared: Case) -> None:
    assert in_processes("sign_up", shared) == {"created": 1, "Conflict": EVERYBODY - 1}
