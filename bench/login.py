"""A whole SAML login, everything on, beside SATOSA and SAML Jackson: server-side CPU per login, alternated in one run."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace

from bench import crossgate
from bench.logins import Broker, Crowd, Tally
from bench.party import Party
from bench.peers import jackson, satosa
from bench.results import Row, Run, median, spread
from bench.servers import mounted


def run(run: Run) -> list[Row]:
    """All three stay up; each has its turn in each round, so that what else the machine does falls on all alike."""
    party = Party.write(run.folder)
    with ExitStack() as stack:
        brokers: list[tuple[str, Broker, int]] = [
            ("satosa", stack.enter_context(satosa.serving(run.home, run.folder)), run.times(40, 15)),
            ("jackson", stack.enter_context(jackson.serving(run.home, run.folder)), run.times(150, 60)),
            ("crossgate", stack.enter_context(crossgate.serving(run.folder / "crossgate", party)), run.times(300, 100)),
        ]
        # The same broker and work, for an app that asked for ES256: what two RSA signatures of a login cost.
        brokers.append(("es256", replace(brokers[2][1], client_id=crossgate.CLIENT_ES256), run.times(300, 100)))
        brokers.append(("granian", _on_granian(run, party, stack), run.times(300, 100)))
        crowds = {name: (Crowd(party, broker), logins) for name, broker, logins in brokers}
        for crowd, logins in crowds.values():
            _sound(crowd.sign_in(logins))  # warms caches and compilers
        found: dict[str, list[float]] = {name: [] for name in crowds}
        for _ in range(run.times(5, 2)):
            for name, (crowd, logins) in crowds.items():
                found[name].append(_sound(crowd.sign_in(logins)).cpu_ms)
    return [
        _against("SATOSA 8.6", found["crossgate"], found["satosa"], "<= 0.0667"),
        _against("SAML Jackson 26.2", found["crossgate"], found["jackson"], "<= 0.4"),
        _against("SATOSA 8.6, tokens by ES256", found["es256"], found["satosa"]),
        _against("SAML Jackson 26.2, tokens by ES256", found["es256"], found["jackson"]),
        _against("SATOSA 8.6, on granian", found["granian"], found["satosa"]),
        _against("SAML Jackson 26.2, on granian", found["granian"], found["jackson"]),
    ]


def _against(peer: str, ours: list[float], theirs: list[float], target: str = "") -> Row:
    return Row(f"CPU per login against {peer}", spread(ours), spread(theirs), median(ours) / median(theirs), target)


def _on_granian(run: Run, party: Party, stack: ExitStack) -> Broker:
    """For information: the same application on the other server. It lacks what `crossgate serve` has beside its workers."""
    folder = run.folder / "granian"
    with crossgate.serving(folder, party) as prepared:
        pass
    server, port = stack.enter_context(mounted("granian", folder))
    return replace(prepared, server=server, connect=f"127.0.0.1:{port}")


def _sound(tally: Tally) -> Tally:
    if tally.failures:
        raise RuntimeError(f"{len(tally.failures)} logins failed, the first: {tally.failures[0]}")
    return tally
