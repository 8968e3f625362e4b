"""Lists in pages (API `Marker`, `MaxItems`, `IsTruncated`)."""

from __future__ import annotations

from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from broker.api_errors import ValidationFailed

T = TypeVar("T")

DEFAULT_ITEMS = 100


@dataclass(frozen=True, slots=True)
class Listed(Generic[T]):
    """A page. `marker` asks for the next one; None at the end."""

    items: Sequence[T]
    marker: str | None = None


def page(items: Sequence[T], key: Callable[[T], str], marker: str | None, max_items: int | None) -> Listed[T]:
    """Those after `marker`, in order of key. Raises ValidationFailed for a marker that is none of ours."""
    after = _opened(marker) if marker is not None else ""
    rest = sorted((item for item in items if key(item) > after), key=key)
    size = max_items or DEFAULT_ITEMS
    here = rest[:size]
    return Listed(here, _marker(key(here[-1])) if len(rest) > size else None)


def _marker(key: str) -> str:
    return urlsafe_b64encode(key.encode()).decode("ascii")


def _opened(marker: str) -> str:
    try:
        return b64decode(marker.encode("ascii"), b"-_", validate=True).decode()
    except ValueError:
        raise ValidationFailed("a marker that is none of ours", public="Invalid Marker.") from None
