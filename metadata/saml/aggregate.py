"""A federation's aggregate, read by a process that is thrown away: what it costs and what it may break ends with it.

The child (`python -m metadata.saml.aggregate`) gets the document on its standard input and nothing of our environment. It writes the
entities into a spool file of ours, and one line of JSON at the end: only then, the signature being proved, is the spool read.
"""

from __future__ import annotations

import json
import os
import resource
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import IO, Any, BinaryIO

from metadata.errors import DocumentInvalid, SignatureInvalid
from metadata.saml.card import EntityCard, read_card
from metadata.saml.lifetime import Lifetime
from metadata.saml.splitter import MAX_TOLD, Split, SplitAsk, split

_FRAME = struct.Struct(">Id")  # octets, and the end of the groups around as seconds since 1970, or -1
_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class AggregateReading:
    """How to read an aggregate. `split` is what is demanded of the document.

    `max_validity`: how far its validUntil may lie ahead; None lets it be absent as well (J5). An old document that never ends could be
    played back for ever. `seconds` of CPU (and twice that of time) and `memory` (octets of address space) bound the child.
    """

    split: SplitAsk
    max_validity: timedelta | None = timedelta(days=60)
    seconds: int = 300
    memory: int = 1 << 30


@dataclass(slots=True)
class Aggregate:
    """A verified aggregate. `about` says what it is. `left_out` grows while `cards` is read: pairs of what was passed over and a code."""

    about: Split
    spool: IO[bytes] = field(repr=False)
    now: datetime
    left_out: list[tuple[str, str]] = field(default_factory=list)

    def __enter__(self) -> Aggregate:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.spool.close()

    def cards(self) -> Iterator[EntityCard]:
        """One card after the other. An entity that is unfit by itself is passed over, and the first thousand of those are told."""
        self.spool.seek(0)
        self.left_out.clear()
        while head := self.spool.read(_FRAME.size):
            size, end = _FRAME.unpack(head)
            around = Lifetime(None if end < 0 else datetime.fromtimestamp(end, UTC))
            octets = self.spool.read(size)
            try:
                yield read_card(octets, around, self.now)
            except DocumentInvalid as error:
                if len(self.left_out) < MAX_TOLD:
                    self.left_out.append((octets[:300].decode("utf-8", "replace"), error.code))


def open_aggregate(document: BinaryIO, how: AggregateReading) -> Aggregate:
    """Verify a whole aggregate and cut it into entities; close what comes back, or use it with `with`. `document` is an open file.

    Raises DocumentInvalid as `metadata.saml.splitter.split` does, and metadata_expired, valid_until_missing, valid_until_too_far,
    aggregate_unreadable (the child ran out of time or memory, or broke); and SignatureInvalid (signature_*).
    """
    spool = tempfile.TemporaryFile(prefix="crossgate-aggregate-")  # noqa: SIM115 -- the Aggregate closes it
    try:
        about = _told(_run(document, spool, how))
        _check_end(about.lifetime.valid_until, how)
        return Aggregate(about, spool, how.split.now)
    except BaseException:
        spool.close()
        raise


def _check_end(end: datetime | None, how: AggregateReading) -> None:
    if end is None:
        if how.max_validity is not None:
            raise DocumentInvalid("The metadata does not say until when it is valid.", code="valid_until_missing")
    elif end <= how.split.now:
        raise DocumentInvalid("This metadata has expired.", str(end), code="metadata_expired")
    elif how.max_validity is not None and end > how.split.now + how.max_validity:
        raise DocumentInvalid("The metadata claims to be valid for too long.", str(end), code="valid_until_too_far")


def _run(document: BinaryIO, spool: IO[bytes], how: AggregateReading) -> dict[str, Any]:
    ask = {**asdict(how.split), "now": how.split.now.isoformat(), "seconds": how.seconds, "memory": how.memory}
    document.seek(0)
    process = subprocess.Popen(  # noqa: S603 -- our own interpreter and module
        [sys.executable, "-P", "-m", "metadata.saml.aggregate", json.dumps(ask)],
        stdin=document, stdout=spool, stderr=subprocess.PIPE, cwd="/", env={"PYTHONPATH": str(_ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    with process:
        try:
            _, said = process.communicate(timeout=how.seconds * 2)
        except BaseException as error:
            process.kill()
            if isinstance(error, subprocess.TimeoutExpired):
                raise _unreadable("out of time") from None
            raise
    try:
        found: dict[str, Any] = json.loads(said.splitlines()[-1])
    except (ValueError, IndexError):
        raise _unreadable(f"ended with {process.returncode}: {said[-300:].decode('utf-8', 'replace')}") from None
    if process.returncode != 0:
        raise _unreadable(f"ended with {process.returncode}")
    return found


def _unreadable(private: str) -> DocumentInvalid:
    return DocumentInvalid("The metadata could not be read within bounds.", f"the reading process: {private}", code="aggregate_unreadable")


def _told(found: dict[str, Any]) -> Split:
    if "code" in found:
        kind = SignatureInvalid if found["signature"] else DocumentInvalid
        raise kind(found["public"], found["private"], code=found["code"])
    end = found["lifetime"]["valid_until"]
    life = Lifetime(datetime.fromisoformat(end) if end else None, found["lifetime"]["cache_seconds"])
    return Split(**{**found, "lifetime": life, "doubled": tuple(found["doubled"])})


def _child(ask: dict[str, Any]) -> dict[str, Any]:
    resource.setrlimit(resource.RLIMIT_AS, (ask["memory"],) * 2)
    resource.setrlimit(resource.RLIMIT_CPU, (ask.pop("seconds"),) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    del ask["memory"]
    certificates = ask["certificates"]
    how = replace(SplitAsk(datetime.now(UTC), None), **ask)
    how = replace(how, now=datetime.fromisoformat(ask["now"]), certificates=None if certificates is None else tuple(certificates))

    def write(octets: bytes, around: Lifetime) -> None:
        end = -1.0 if around.valid_until is None else around.valid_until.timestamp()
        sink.write(_FRAME.pack(len(octets), end) + octets)

    with os.fdopen(0, "rb", buffering=0) as source, os.fdopen(1, "wb", buffering=1 << 18) as sink:
        try:
            about = asdict(split(source, write, how))
        except DocumentInvalid as error:
            signature = isinstance(error, SignatureInvalid)
            return {"code": error.code, "public": error.public, "private": error.private, "signature": signature}
    end = about["lifetime"]["valid_until"]
    about["lifetime"]["valid_until"] = end.isoformat() if end else None
    return about


if __name__ == "__main__":
    os.write(2, json.dumps(_child(json.loads(sys.argv[1]))).encode() + b"\n")
