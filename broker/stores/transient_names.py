"""What transient values are called inside a store, the same in every adapter.

Keys can be bearer secrets (a login's handle travels as `state`) and come from the wire, so a store holds their digest: of one length,
of one alphabet, and of no use to whoever reads a dump.
"""

from __future__ import annotations

from broker.seal import digest


def transient_name(kind: str, key: str) -> str:
    return f"{kind}:{digest(key)}"


def counter_name(kind: str, key: str, window_seconds: int, now_ms: int) -> tuple[str, int]:
    """The counter of the window that `now_ms` is in, and when that window ends, in milliseconds. Windows are cut from the epoch."""
    if window_seconds <= 0:
        raise ValueError("a window lasts at least a second")
    window = now_ms // (window_seconds * 1000)
    return f"{kind}:{digest(key)}:{window_seconds}:{window}", (window + 1) * window_seconds * 1000
