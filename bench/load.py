"""1,000 logins, eight at a time, over two workers of four threads: none may fail, and no request id is seen twice."""

from __future__ import annotations

from bench import crossgate
from bench.logins import Crowd
from bench.party import Party
from bench.results import Row, Run


def run(run: Run) -> list[Row]:
    """A login that answered another's request would have been refused, and so would a second answer: each counts as a failure here."""
    party = Party.write(run.folder)
    with crossgate.serving(run.folder / "crossgate", party) as broker:
        tally = Crowd(party, broker).sign_in(run.times(1000, 200), concurrency=8)
    for failure in tally.failures[:3]:
        print(failure)
    doubled = len(tally.requests) - len(set(tally.requests))
    about = f"{tally.logins / tally.seconds:.0f} a second, {tally.cpu_ms:.1f} ms of CPU each"
    return [
        Row(
            "logins that failed",
            f"{len(tally.failures)} of {tally.logins + len(tally.failures)}",
            about,
            float(len(tally.failures)),
            "<= 0",
        ),
        Row("request ids seen twice", str(doubled), "", float(doubled), "<= 0"),
    ]
