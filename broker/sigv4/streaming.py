"""A body that comes in signed chunks (`STREAMING-AWS4-HMAC-SHA256-PAYLOAD`, also with `-TRAILER`), or in unsigned ones with a trailer.

    10000;chunk-signature=SIG CRLF data CRLF ... 0;chunk-signature=SIG CRLF [name:value CRLF ... x-amz-trailer-signature:SIG CRLF] CRLF

Each chunk's signature covers the one before it, down to the request's own (the seed), so that none can be left out, moved or repeated.
A signed chunk is handed out after its signature has been checked, which is why its size is bounded; unsigned data passes through.
The checksums that a trailer names are in `trailers` for who stores the data; they are not computed here.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Protocol

from broker.api_errors import IncompleteSignature, SignatureMismatch
from broker.sigv4.canonical import trimmed
from broker.sigv4.payload import EMPTY_SHA256
from broker.sigv4.request import ALGORITHM, Scope

MAX_CHUNK: Final = 16 * 1024 * 1024
_MAX_LINE: Final = 1024
_MAX_TRAILERS: Final = 16
_PIECE: Final = 64 * 1024
_SIGNED_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,8});chunk-signature=([0-9a-f]{64})")
_UNSIGNED_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,16})")
_TRAILER = re.compile(rb"([a-z0-9-]{1,100}):([\x20-\x7e]{0,900})")
_TRAILER_SIGNATURE: Final = "x-amz-trailer-signature"


class Readable(Protocol):
    """What is read from: `wsgi.input`, a file, a BytesIO. An empty answer is the end."""

    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Seed:
    """Where the chain of chunk signatures starts. `decoded_length` is the size of the data in bytes; `trailers` the names announced."""

    signature: str = field(repr=False)
    key: bytes = field(repr=False)
    stamp: str
    scope: Scope
    decoded_length: int
    signed: bool = True
    trailers: tuple[str, ...] = ()

    def link(self, previous: str, data_hash: str) -> str:
        """The signature of a chunk whose SHA-256 is `data_hash`."""
        return self._sign(f"{ALGORITHM}-PAYLOAD\n{self.stamp}\n{self.scope}\n{previous}\n{EMPTY_SHA256}\n{data_hash}")

    def seal(self, previous: str, trailers: str) -> str:
        """The signature of the trailers, given as `name:value` lines each with its newline."""
        text = hashlib.sha256(trailers.encode()).hexdigest()
        return self._sign(f"{ALGORITHM}-TRAILER\n{self.stamp}\n{self.scope}\n{previous}\n{text}")

    def _sign(self, text: str) -> str:
        return hmac.digest(self.key, text.encode(), "sha256").hex()


class ChunkedBody:
    """File-like: `read` gives decoded, verified data. After a refusal every further read refuses too, and what was read must be dropped.

    The last bytes are handed out after the end of the stream has been verified too, so a reader that stops at the length it expects has
    lost nothing; one that stops before has no word that the body is whole.
    """

    def __init__(self, source: Readable, seed: Seed, max_chunk: int = MAX_CHUNK) -> None:
        self._source = source
        self._seed = seed
        self._max_chunk = max_chunk
        self._raw = bytearray()
        self._ready = bytearray()
        self._left = seed.decoded_length
        self._pieces = _one_behind(self._decode())
        self._failed: IncompleteSignature | SignatureMismatch | None = None
        self.trailers: dict[str, str] = {}

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes (all that is left if negative), b"" at the end.

        Raises SignatureMismatch, or IncompleteSignature for what is no chunked body, is too long, too short, or cut off.
        """
        if self._failed is not None:
            raise self._failed
        try:
            while size < 0 or len(self._ready) < size:
                piece = next(self._pieces, None)
                if piece is None:
                    break
                self._ready += piece
        except (IncompleteSignature, SignatureMismatch) as error:
            self._failed = error
            self._ready.clear()
            raise
        wanted = len(self._ready) if size < 0 else size
        data = bytes(self._ready[:wanted])
        del self._ready[:wanted]
        return data

    def __iter__(self) -> Iterator[bytes]:
        while piece := self.read(_PIECE):
            yield piece

    def _decode(self) -> Iterator[bytes]:
        previous = self._seed.signature
        while True:
            size, signature = self._chunk_head()
            if size > self._left:
                raise IncompleteSignature("the chunks hold more than x-amz-decoded-content-length")
            self._left -= size
            if self._seed.signed:
                data = self._exactly(size)
                self._same(self._seed.link(previous, hashlib.sha256(data).hexdigest()), signature)
                previous = signature
                if size:
                    yield data
            else:
                yield from self._through(size)
            if not size:
                break
            self._expect_line_end()
        if self._left:
            raise IncompleteSignature("the chunks hold less than x-amz-decoded-content-length")
        self._read_trailers(previous)
        if self._raw or self._source.read(1):
            raise IncompleteSignature("something follows the last chunk")

    def _chunk_head(self) -> tuple[int, str]:
        line = self._line()
        found = (_SIGNED_CHUNK if self._seed.signed else _UNSIGNED_CHUNK).fullmatch(line)
        if found is None:
            raise IncompleteSignature("a chunk has no proper head")
        size = int(found[1], 16)
        if self._seed.signed and size > self._max_chunk:
            raise IncompleteSignature(f"a signed chunk is larger than {self._max_chunk} bytes")
        return size, found[2].decode() if self._seed.signed else ""

    def _read_trailers(self, previous: str) -> None:
        """Trailers must be those that the (signed) x-amz-trailer announced: an unannounced one was added on the way."""
        found: dict[str, str] = {}
        signature = None
        while line := self._line():
            part = _TRAILER.fullmatch(line)
            name = part[1].decode() if part else ""
            if part is None or name in found or signature is not None or len(found) > _MAX_TRAILERS:
                raise IncompleteSignature("the trailers are malformed, repeated or too many")
            if name == _TRAILER_SIGNATURE:
                signature = part[2].decode().strip(" ")
            else:
                found[name] = trimmed(part[2].decode())
        if tuple(sorted(found)) != tuple(sorted(self._seed.trailers)):
            raise IncompleteSignature("the trailers are not those that x-amz-trailer announced")
        if (signature is not None) != bool(self._seed.signed and found):
            raise IncompleteSignature("the trailers' signature is missing, or signs nothing")
        if signature is not None:
            self._same(self._seed.seal(previous, "".join(f"{name}:{value}\n" for name, value in sorted(found.items()))), signature)
        self.trailers = found

    def _same(self, right: str, given: str) -> None:
        if not hmac.compare_digest(right.encode(), given.encode()):
            raise SignatureMismatch("a chunk or trailer signature is wrong")

    def _line(self) -> bytes:
        while (end := self._raw.find(b"\r\n")) < 0:
            if len(self._raw) > _MAX_LINE:
                raise IncompleteSignature("a line between chunks is too long")
            self._more(_MAX_LINE)
        if end > _MAX_LINE:
            raise IncompleteSignature("a line between chunks is too long")
        line = bytes(self._raw[:end])
        del self._raw[: end + 2]
        return line

    def _expect_line_end(self) -> None:
        if self._exactly(2) != b"\r\n":
            raise IncompleteSignature("a chunk's data is longer than its size")

    def _exactly(self, size: int) -> bytes:
        while len(self._raw) < size:
            self._more(min(size - len(self._raw), _PIECE))
        data = bytes(self._raw[:size])
        del self._raw[:size]
        return data

    def _through(self, size: int) -> Iterator[bytes]:
        while size:
            data = self._exactly(min(size, _PIECE))
            size -= len(data)
            yield data

    def _more(self, size: int) -> None:
        data = self._source.read(size)
        if not data:
            raise IncompleteSignature("the body ends in the middle of a chunk")
        self._raw += data


def _one_behind(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Keeps the last piece back until `pieces` has ended without a refusal."""
    held = b""
    for piece in pieces:
        if held:
            yield held
        held = piece
    yield held
