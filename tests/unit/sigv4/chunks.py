"""Writing a chunked body as a client does, from AWS's description of the form."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from io import BytesIO

from broker.sigv4 import Seed


def encoded(seed: Seed, chunks: Sequence[bytes], trailers: dict[str, str] | None = None) -> bytes:
    """`chunks` without the empty last one."""
    out, previous = b"", seed.signature
    for data in (*chunks, b""):
        out += f"{len(data):x}".encode()
        if seed.signed:
            previous = seed.link(previous, hashlib.sha256(data).hexdigest())
            out += f";chunk-signature={previous}".encode()
        out += b"\r\n" + data + (b"\r\n" if data else b"")
    lines = [f"{name}:{value}" for name, value in sorted((trailers or {}).items())]
    out += "".join(f"{line}\r\n" for line in lines).encode()
    if lines and seed.signed:
        signature = seed.seal(previous, "".join(f"{line}\n" for line in lines))
        out += f"x-amz-trailer-signature:{signature}\r\n".encode()
    return out + b"\r\n"


class Trickle(BytesIO):
    """Gives at most so many bytes a read, as a socket may."""

    def __init__(self, data: bytes, most: int) -> None:
        super().__init__(data)
        self._most = most

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(self._most if size is None or size < 0 else min(size, self._most))
