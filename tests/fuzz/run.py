"""Send the cases for a while, by several threads, and hold every answer to what was promised."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field

from lxml import etree

from tests.fakes.oidc_op import FakeOp
from tests.fuzz.cases import Case, cases, systematic
from tests.fuzz.honest import Honest, start_broker
from tests.fuzz.wire import Answer, Letter, send
from tests.parties.kit.broker import Broker
from tests.parties.kit.forged_idp import ForgedIdp

THREADS = 4
SLOW = 10.0
# How often an honest request is spoiled anew before another one is made.
USES = 25
USED_UP = {
    "POST /oauth2/token", "POST /oauth2/revoke", "POST /consent", "GET /logout", "POST /logout", "GET /oauth2/idpresponse",
    "POST /oauth2/idpresponse", "POST /oauth2/idplogout/<provider>", "POST /saml2/idpresponse", "GET /saml2/logout", "POST /saml2/logout",
}  # fmt: skip
# What is longer than this may be cut off without an answer.
CUT_OFF = 60_000


@dataclass
class Result:
    """What a run found."""

    seed: int
    sent: int = 0
    seconds: float = 0.0
    slowest: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        share = min(1.0, self.sent / len(systematic()))
        counts = ", ".join(f"{status}: {count}" for status, count in sorted(self.statuses.items()))
        return (
            f"seed {self.seed}: {self.sent} requests in {self.seconds:.0f} s ({self.sent / max(self.seconds, 0.1):.0f}/s), {share:.0%} of "
            f"the single damages; slowest answer {self.slowest:.2f} s; {counts}; {len(self.failures)} failures"
        )


def fault(case: Case, letter: Letter, answer: Answer) -> str:
    """What is wrong with an answer; empty if nothing is."""
    head, body = letter.written()
    touched = {damage.name for damage in case.damages}
    framing = touched & {"Content-Length", "Transfer-Encoding", "Expect"}
    if answer.status == -1 or answer.seconds > SLOW:
        return f"no answer in {answer.seconds:.0f} s"
    if answer.status == 0:
        return "" if len(head) + len(body) > CUT_OFF or framing else "the connection ended without an answer"
    if answer.status >= 500 and not (answer.status == 501 and "Transfer-Encoding" in touched):
        return f"status {answer.status}"
    if "x-injected" in answer.headers or b"Traceback (most recent call" in answer.body:
        return "a header of ours was taken over, or a stack trace shown"
    kind = answer.headers.get("content-type", "")
    if answer.status >= 400 and letter.method not in ("HEAD", "OPTIONS"):
        if "json" in kind:
            said = json.loads(answer.body)
            # OAuth's form, or that of the AWS APIs.
            return "" if isinstance(said.get("error", said.get("__type")), str) else "an error object without an error"
        if kind == "text/xml":
            code, message = (etree.fromstring(answer.body).findtext(f".//{{*}}{name}") for name in ("Code", "Message"))
            return "" if code and message else "an error document without a code or a message"
        if not answer.body.strip() or ("html" not in kind and "text/plain" not in kind):
            return f"an error of type {kind!r} without words"
    return ""


class Worker(threading.Thread):
    """Takes cases from the common supply until the time is over."""

    def __init__(self, fuzz: Fuzz) -> None:
        super().__init__(daemon=True)
        self._fuzz = fuzz
        self._honest = Honest(fuzz.broker, fuzz.idp, fuzz.op)
        self._letters: dict[str, tuple[Letter, int]] = {}

    def run(self) -> None:
        for case in self._fuzz.supply():
            try:
                self._try(case)
            except Exception as error:
                self._fuzz.note(case, Answer(0), f"{type(error).__name__}: {error}")

    def _try(self, case: Case) -> None:
        honest, uses = self._letters.pop(case.route.name, (None, 0))
        if honest is None:
            honest = self._honest.letter(case.route)
        letter = case.spoil(honest)
        answer = send(self._fuzz.broker.port, letter)
        # A request that succeeded may have used up its code, login or session.
        if uses < USES and (answer.status >= 400 or case.route.name not in USED_UP):
            self._letters[case.route.name] = (honest, uses + 1)
        self._fuzz.note(case, answer, fault(case, letter, answer))


class Fuzz:
    """A broker, its identity providers, and a supply of cases. `only` tries that one case."""

    def __init__(self, seed: int, seconds: float, only: int | None = None) -> None:
        self.idp, self.op = ForgedIdp(), FakeOp()
        self.broker: Broker
        self.result = Result(seed)
        self._seconds, self._only = seconds, only
        self._cases = cases(seed)
        self._lock = threading.Lock()

    def supply(self) -> Iterator[Case]:
        """The next case for whoever asks, until the time is over."""
        while time.monotonic() < self._until:
            with self._lock:
                case = next(self._cases)
                while self._only is not None and case.number < self._only:
                    case = next(self._cases)
                if self._only is not None and case.number > self._only:
                    return
            yield case

    def note(self, case: Case, answer: Answer, problem: str) -> None:
        """Count an answer, and keep what is wrong with it."""
        with self._lock:
            self.result.sent += 1
            self.result.statuses[answer.status] += 1
            self.result.slowest = max(self.result.slowest, answer.seconds)
            if problem:
                self.result.failures.append(f"{case}: {problem}")
                print(f"{case}: {problem}", flush=True)
            if len(self.op.seen) > 1000:
                self.op.reset()

    def run(self) -> Result:
        """The whole run, with a look at the server afterwards."""
        with self.op, closing(start_broker(self.idp, self.op)) as self.broker:
            assert Honest(self.broker, self.idp, self.op).works()
            serving = sorted(self.broker.process.children())
            began = time.monotonic()
            self._until = began + self._seconds
            workers = [Worker(self) for _ in range(1 if self._only is not None else THREADS)]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()
            self.result.seconds = time.monotonic() - began
            self._look_after(serving)
        return self.result

    def _look_after(self, serving: list[int]) -> None:
        failures = self.result.failures
        if not self.broker.ready():
            failures.append("the broker is not ready afterwards")
        elif not Honest(self.broker, self.idp, self.op).works():
            failures.append("nobody can sign in afterwards")
        if (now := sorted(self.broker.process.children())) != serving:
            failures.append(f"a process of the broker died or was replaced: {serving} became {now}")
        failures += [f"in the broker's log: {line[:300]}" for line in self.broker.log().splitlines() if "unexpected error" in line][:5]
        failures += [f"in the broker's log: {line[:300]}" for line in self.broker.tracebacks()][:5]
        strangers = self.broker.people() - {"forged_alice@corp.example", "workforce_user-1"}
        failures += [f"a profile that nobody honest made: {name}" for name in sorted(strangers)[:5]]
