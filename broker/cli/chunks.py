"""A chunked body, decoded as it comes (RFC 9112 7.1). To the letter: where a proxy might read it otherwise, it is refused."""

from __future__ import annotations

import re

# Extensions are allowed by the RFC and mean nothing to us. A bare CR or LF in one is how requests are smuggled.
SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[\t\x20-\x7e\x80-\xff]*)?")
LONGEST_LINE = 1024
MOST_TRAILER_LINES = 32
CRLF = b"\r\n"


class Chunked:
    """`body` is what has been decoded; `done` says that the end was seen."""

    __slots__ = ("_left", "_trailer_lines", "body", "done")

    def __init__(self) -> None:
        self.body = bytearray()
        self.done = False
        self._left = 0  # of the chunk at hand, with the line end that follows it
        self._trailer_lines = -1  # from 0 on once the last chunk has come

    def feed(self, wire: bytearray) -> bool:
        """Take from the front of `wire` whatever is understood, and say whether the body is whole. Raises ValueError."""
        while not self.done:
            if self._left:
                if not self._data(wire):
                    return False
                continue
            end = wire.find(CRLF, 0, LONGEST_LINE)
            if end < 0:
                if len(wire) >= LONGEST_LINE or b"\n" in wire:
                    raise ValueError("a line of a chunked body is too long or ends wrongly")
                return False
            line = bytes(wire[:end])
            del wire[: end + 2]
            self._line(line)
        return True

    def _data(self, wire: bytearray) -> bool:
        """The rest of a chunk and its line end; False if not all of it is there."""
        take = min(len(wire), self._left - 2) if self._left > 2 else 0
        self.body += wire[:take]
        del wire[:take]
        self._left -= take
        if self._left > 2 or len(wire) < 2:
            return False
        if wire[:2] != CRLF:
            raise ValueError("a chunk is longer than it says")
        del wire[:2]
        self._left = 0
        return True

    def _line(self, line: bytes) -> None:
        if self._trailer_lines >= 0:
            # Trailer fields are read past: nothing of ours looks at them.
            self._trailer_lines += 1
            self.done = not line
            if self._trailer_lines > MOST_TRAILER_LINES:
                raise ValueError("too many trailer fields")
            return
        size = SIZE.fullmatch(line)
        if size is None:
            raise ValueError("a chunk has no size")
        length = int(size[1], 16)
        if length:
            self._left = length + 2
        else:
            self._trailer_lines = 0
