"""What Prometheus may fetch: counts of audit events and requests. With several workers `PROMETHEUS_MULTIPROC_DIR` joins them."""

from __future__ import annotations

from functools import cache

from prometheus_client import Counter, Histogram

EVENTS = Counter("crossgate_events_total", "Audit events by kind and outcome.", ["event", "outcome"])


@cache
def _event(event: str, outcome: str) -> Counter:
    return EVENTS.labels(event, outcome)


def count_event(event: str, outcome: str) -> None:
    """Both are words of the program's own, so that the counters stay few."""
    _event(event, outcome).inc()


AUDIT_LOST = Counter("crossgate_audit_lost_total", "Audit events that could not be written.")
REQUESTS = Histogram(
    "crossgate_request_seconds",
    "Time to answer, by endpoint and status class.",
    ["endpoint", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
