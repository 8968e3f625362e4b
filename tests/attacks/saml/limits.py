"""How much a hostile message may cost: CPU seconds and resident memory, measured around the reader's own work."""

from __future__ import annotations

import contextlib
import resource
import time
from collections.abc import Iterator
from pathlib import Path

CPU_SECONDS = 1.0
GROWTH = 64 * 1024 * 1024
PAGE = resource.getpagesize()


def resident() -> int:
    """Bytes resident now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE


def peak() -> int:
    """The most bytes resident since the last `forget_peak`."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise LookupError("VmHWM")


def forget_peak() -> None:
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


@contextlib.contextmanager
def bounded(cpu: float = CPU_SECONDS, growth: int = GROWTH) -> Iterator[None]:
    """The block must stay within a second of CPU and 64 MB of growth at its peak."""
    forget_peak()
    before, started = resident(), time.thread_time()
    yield
    spent, grown = time.thread_time() - started, max(peak() - before, 0)
    assert spent < cpu, f"{spent:.2f} s of CPU"
    assert grown < growth, f"{grown >> 20} MB of growth"
