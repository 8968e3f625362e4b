"""A whole SAML login, everything on, beside SATOSA and SAML Jackson: server-side CPU per login, alternated in one run."""

from __future__ import annotations

from contextlib import ExitStack

from bench import crossgate
from bench.logins import Broker, Crowd, Tally
from bench.party import Party
from bench.peers import jackson, satosa
from bench.results import Row, Run, median, spread


def run(run: Run) -> list[Row]:
    """All three stay up; each has its turn in each round, so that what else the machine does falls on all alike."""
    party = Party.write(run.folder)
    with ExitStack() as stack:
        brokers: list[tuple[str, Broker, int]] = [
            ("satosa", stack.enter_context(satosa.serving(run.home, run.folder)), run.times(40, 15)),
            ("jackson", stack.enter_context(jackson.serving(run.home, run.folder)), run.times(150, 60)),
            ("crossgate", stack.enter_context(crossgate.serving(run.folder / "crossgate", party)), run.times(300, 100)),
        ]
        crowds = {name: (Crowd(party, broker), logins) for name, broker, logins in brokers}
        for crowd, logins in crowds.values():
            _sound(crowd.sign_in(logins))  # warms caches and compilers
        found: dict[str, list[float]] = {name: [] for name in crowds}
        for _ in range(run.times(5, 2)):
            for name, (crowd, logins) in crowds.items():
                found[name].append(_sound(crowd.sign_in(logins)).cpu_ms)
    ours = found["crossgate"]
    return [
        Row("login, CPU against SATOSA 8.6", spread(ours), spread(found["satosa"]), median(ours) / median(found["satosa"]), "<= 0.0667"),
        Row(
            "login, CPU against SAML Jackson 26.2",
            spread(ours),
            spread(found["jackson"]),
            median(ours) / median(found["jackson"]),
            "<= 0.4",
        ),
    ]


def _sound(tally: Tally) -> Tally:
    if tally.failures:
        raise RuntimeError(f"{len(tally.failures)} logins failed, the first: {tally.failures[0]}")
    return tally
