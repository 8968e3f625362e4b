"""Records as JSON documents and back, and instants as the numbers that columns compare.

A document outlives the code that wrote it: members that a newer release added take their defaults, members that it dropped are ignored.
Instants inside documents are ISO 8601; in columns they are whole milliseconds since the epoch, UTC: eight bytes, one meaning and one
order in every database, and fine enough for every duration that the broker promises.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar

from pydantic import TypeAdapter

T = TypeVar("T")


_adapters: dict[Any, TypeAdapter[Any]] = {}


def adapter(kind: type[T]) -> TypeAdapter[T]:
    """Built once a type, because that costs milliseconds. Two threads at once may build it twice, which harms nobody."""
    found: TypeAdapter[T] | None = _adapters.get(kind)
    if found is None:
        found = _adapters[kind] = TypeAdapter(kind)
    return found


def encode(record: object) -> str:
    """The whole record as JSON."""
    return adapter(type(record)).dump_json(record).decode("utf-8")


def encode_without(record: object, *members: str) -> str:
    """The record without those members, which are kept apart."""
    return adapter(type(record)).dump_json(record, exclude=set(members)).decode("utf-8")


def decode(kind: type[T], document: str | bytes) -> T:
    return adapter(kind).validate_json(document)


def decode_with(kind: type[T], document: str, members: Mapping[str, Any]) -> T:
    """The record of a document, with the members that were kept apart."""
    return adapter(kind).validate_python({**json.loads(document), **members})


def millis(instant: datetime) -> int:
    """Milliseconds since the epoch, rounded down. A naive instant would mean another moment on another machine, so it is refused."""
    if instant.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return int(instant.timestamp() * 1000 // 1)


def span(seconds: float) -> int:
    """Seconds as the milliseconds of a column."""
    return int(timedelta(seconds=seconds) / timedelta(milliseconds=1))
