"""Output cut to its shape, as JSON or as XML. A member that the model does not have, or that is None, is left out."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import escape

from broker.faces.aws.models import RawShape

ToJson = Callable[[Any], Any]
# XML 1.0 section 2.2: what no document may hold, not even as a reference.
NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class JsonShaper:
    """One service's shapes as functions from a handler's values to what `json.dumps` takes."""

    def __init__(self, shapes: Mapping[str, RawShape]) -> None:
        self._shapes = shapes
        self._made: dict[str, ToJson] = {}
        for name in shapes:  # now, not at the first call: threads would meet a shape half made
            self._of(name)

    def shaped(self, shape: str | None, value: Any) -> dict[str, Any]:
        """An operation's output; `{}` where the model has none."""
        if shape is None:
            return {}
        cut: dict[str, Any] = self._of(shape)(value)
        return cut

    def _of(self, name: str) -> ToJson:
        def later(value: Any) -> Any:
            return self._made[name](value)

        if name not in self._made:
            self._made[name] = later  # a shape may hold itself
            self._made[name] = self._make(self._shapes[name])
        return self._made[name]

    def _make(self, shape: RawShape) -> ToJson:
        kind = shape["type"]
        if kind == "structure" and not shape.get("document"):
            members = [(name, self._of(reference["shape"])) for name, reference in shape["members"].items()]
            return lambda value: {name: of(value[name]) for name, of in members if value.get(name) is not None}
        if kind == "list":
            each = self._of(shape["member"]["shape"])
            return lambda value: [each(item) for item in value]
        if kind == "map":
            each = self._of(shape["value"]["shape"])
            return lambda value: {str(key): each(item) for key, item in value.items()}
        return SCALARS.get(kind, lambda value: value)


def _epoch(value: datetime) -> int | float:
    """Seconds, with up to three decimals (spec E.1)."""
    seconds = round(value.timestamp(), 3)
    return int(seconds) if seconds == int(seconds) else seconds


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


SCALARS: dict[str, ToJson] = {"timestamp": _epoch, "blob": _base64, "string": str}


def iso(value: datetime) -> str:
    """ISO 8601 in UTC, with milliseconds if there are any."""
    text = value.astimezone(UTC).isoformat(timespec="milliseconds" if value.microsecond >= 1000 else "seconds")
    return text.replace("+00:00", "Z")


class XmlWriter:
    """One service's shapes as elements."""

    def __init__(self, shapes: Mapping[str, RawShape]) -> None:
        self._shapes = shapes

    def written(self, shape: str, value: Any) -> str:
        """The members of an operation's output, without the element around them."""
        parts: list[str] = []
        self._members(self._shapes[shape], value, parts)
        return "".join(parts)

    def _members(self, shape: RawShape, value: Any, parts: list[str]) -> None:
        for name, reference in shape["members"].items():
            if value.get(name) is not None:
                self._element(reference.get("locationName", name), self._shapes[reference["shape"]], value[name], parts)

    def _element(self, tag: str, shape: RawShape, value: Any, parts: list[str]) -> None:
        kind = shape["type"]
        parts.append(f"<{tag}>")
        if kind == "structure":
            self._members(shape, value, parts)
        elif kind == "list":
            inner = self._shapes[shape["member"]["shape"]]
            for item in value:
                self._element(shape["member"].get("locationName", "member"), inner, item, parts)
        elif kind == "map":
            for key, item in value.items():
                parts.append("<entry>")
                self._element(shape["key"].get("locationName", "key"), self._shapes[shape["key"]["shape"]], key, parts)
                self._element(shape["value"].get("locationName", "value"), self._shapes[shape["value"]["shape"]], item, parts)
                parts.append("</entry>")
        else:
            parts.append(_text(value))
        parts.append(f"</{tag}>")


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, bytes):
        return _base64(value)
    return xml_text(str(value))


def xml_text(text: str) -> str:
    """Character data; what XML cannot hold becomes U+FFFD."""
    # A bare carriage return would be read as a line end (XML 1.0 section 2.11).
    return escape(NOT_IN_XML.sub("\ufffd", text), {"\r": "&#13;"})
