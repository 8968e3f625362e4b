"""Pages of identity pools, identities and developers' users (API `NextToken`). A token continues the list it was made for, and no other."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Generic, TypeVar

from broker.api_errors import InvalidParameter

T = TypeVar("T")

_MARK = 12
"""Octets of what binds a token to its list. What is read is chosen by the caller's rights, never by the token, so it need not be secret."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some of a list. `next_token` asks for more; None at the end."""

    items: Sequence[T]
    next_token: str | None = None


def opened(token: str | None, of: str) -> str | None:
    """The key after which the list goes on; None for its beginning. `of` names the list. Raises InvalidParameter for any other's token."""
    if token is None:
        return None
    try:
        plain = urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
        after = plain[_MARK:].decode()
    except ValueError:
        after, plain = "", b""
    if not after or plain[:_MARK] != _mark(of, after):
        raise InvalidParameter("a pagination token that is not of this list", public="Invalid pagination token given.")
    return after


def cut(read: Sequence[T], size: int, of: str, key: Callable[[T], str]) -> Page[T]:
    """A page of what was read, which is up to `size` + 1 items."""
    here = read[:size]
    return Page(here, _token(of, key(here[-1])) if len(read) > size and here else None)


def _token(of: str, after: str) -> str:
    return urlsafe_b64encode(_mark(of, after) + after.encode()).rstrip(b"=").decode("ascii")


def _mark(of: str, after: str) -> bytes:
    return sha256(f"{of}\0{after}".encode()).digest()[:_MARK]
