"""Input checked against its shape. Each shape becomes one function, once; unknown members are ignored, as AWS ignores them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from broker.faces.aws.models import RawShape
from broker.faces.aws.refusals import Unreadable
from broker.faces.aws.shapes.findings import Findings, lower_camel, shown
from broker.faces.aws.shapes.patterns import matcher

Check = Callable[[Any, str, Findings], Any]
"""Takes a value, its path and where to say what is wrong; gives what a handler sees. Raises Unreadable for a value of another type."""

Rule = tuple[Callable[[Any], bool], str]
"""Whether a value breaks it, and its words."""

SCALARS = frozenset({"string", "integer", "long", "boolean", "timestamp", "blob", "double", "float"})
# Where the model sets no bound.
MOST_MEMBERS = 1000
DEEPEST = 32


class Validator:
    """The checks of one service's shapes."""

    def __init__(self, shapes: Mapping[str, RawShape]) -> None:
        self._shapes = shapes
        self._checks: dict[str, Check] = {}
        for name in shapes:  # now, not at the first call: threads would meet a shape half made
            self._check(name)

    def validated(self, shape: str | None, value: Any) -> dict[str, Any]:
        """The modelled members of an operation's input. Raises ValidationFailed with all that is wrong, or Unreadable."""
        if shape is None:
            return {}
        found = Findings()
        clean: dict[str, Any] = self._check(shape)(value, "", found)
        found.raise_any()
        return clean

    def _check(self, name: str) -> Check:
        def later(value: Any, path: str, found: Findings) -> Any:
            return self._checks[name](value, path, found)

        if name not in self._checks:
            self._checks[name] = later  # a shape may hold itself
            self._checks[name] = self._made(self._shapes[name])
        return self._checks[name]

    def _made(self, shape: RawShape) -> Check:
        kind = shape["type"]
        if kind == "structure":
            return _document if shape.get("document") else self._structure(shape)
        if kind == "list":
            return self._list(shape)
        if kind == "map":
            return self._map(shape)
        return _scalar(shape)

    def _structure(self, shape: RawShape) -> Check:
        required = frozenset(shape.get("required", ()))
        members = [
            (name, lower_camel(name), name in required, self._check(reference["shape"])) for name, reference in shape["members"].items()
        ]

        def check(value: Any, path: str, found: Findings) -> dict[str, Any]:
            if not isinstance(value, dict):
                raise _another_type(value, "structure")
            if path.count(".") > DEEPEST:
                raise Unreadable("nested too deeply")
            clean: dict[str, Any] = {}
            for name, printed, needed, inner in members:
                given = value.get(name)
                if given is not None:
                    clean[name] = inner(given, f"{path}.{printed}" if path else printed, found)
                elif needed:
                    found.add("null ", f"{path}.{printed}" if path else printed, "Member must not be null")
            return clean

        return check

    def _list(self, shape: RawShape) -> Check:
        element = self._shapes[shape["member"]["shape"]]
        inner = self._check(shape["member"]["shape"])
        rules = _sizes(shape, "length")
        secret, simple = self._secret(shape), element["type"] in SCALARS

        def check(value: Any, path: str, found: Findings) -> list[Any]:
            if not isinstance(value, list):
                raise _another_type(value, "list")
            _bounded(value)
            _judge(value, path, found, rules, secret)
            if simple:
                own = Findings()
                clean = [_element(inner, each, path, own) for each in value]
                _together(own, value, path, found, "Member", secret)
                return clean
            return [_element(inner, each, f"{path}.{number}.member", found) for number, each in enumerate(value, 1)]

        return check

    def _map(self, shape: RawShape) -> Check:
        key, inner = self._check(shape["key"]["shape"]), self._check(shape["value"]["shape"])
        simple = self._shapes[shape["value"]["shape"]]["type"] in SCALARS
        rules, secret = _sizes(shape, "length"), self._secret(shape)

        def check(value: Any, path: str, found: Findings) -> dict[str, Any]:
            if not isinstance(value, dict):
                raise _another_type(value, "map")
            _bounded(value)
            _judge(value, path, found, rules, secret)
            keys, values, clean = Findings(), Findings(), {}
            for name, each in value.items():
                key(name, path, keys)
                clean[name] = _element(inner, each, path if simple else f"{path}.{name}.member", values if simple else found)
            _together(keys, value, path, found, "Map keys", secret)
            _together(values, value, path, found, "Map value", secret)
            return clean

        return check

    def _secret(self, shape: RawShape) -> bool:
        """Whether a value, or what stands in it, must not be told."""
        parts = [shape[part]["shape"] for part in ("member", "key", "value") if part in shape]
        return bool(shape.get("sensitive")) or any(self._secret(self._shapes[part]) for part in parts)


def _element(inner: Check, value: Any, path: str, found: Findings) -> Any:
    if value is None:
        found.add("null ", path, "Member must not be null")
        return None
    return inner(value, path, found)


def _together(own: Findings, value: Any, path: str, found: Findings, what: str, secret: bool) -> None:
    """Elements without a path of their own are told of as one: `Map value must satisfy constraint: [...]`."""
    if own.count:
        constraints = dict.fromkeys(told.partition("failed to satisfy constraint: ")[2] for told in own.told)
        found.add("" if secret else shown(value), path, f"{what} must satisfy constraint: [{', '.join(constraints)}]")


def _bounded(value: list[Any] | dict[str, Any]) -> None:
    if len(value) > MOST_MEMBERS:
        raise Unreadable(f"a list or map of {len(value)} members")


def _judge(value: Any, path: str, found: Findings, rules: list[Rule], secret: bool) -> None:
    for breaks, words in rules:
        if breaks(value):
            found.add("" if secret else shown(value), path, words)


# --- scalars -------------------------------------------------------------------------------------------------------------------------


def _scalar(shape: RawShape) -> Check:
    kind, secret = shape["type"], bool(shape.get("sensitive"))
    read = READERS[kind]
    rules = _sizes(shape, "length" if kind in {"string", "blob"} else "value")
    if "pattern" in shape:
        rules.append(_pattern(shape["pattern"]))
    if "enum" in shape:
        rules.append(_enum(shape["enum"]))
    if not rules:
        return lambda value, path, found: read(value)

    def check(value: Any, path: str, found: Findings) -> Any:
        clean = read(value)
        for breaks, words in rules:
            if breaks(clean):
                found.add("" if secret else shown(value), path, words)
        return clean

    return check


def _sizes(shape: RawShape, noun: str) -> list[Rule]:
    """`noun`: "length", or the "value" of a number."""
    low, high = shape.get("min"), shape.get("max")
    rules: list[Rule] = []
    if low is not None:
        rules.append((_below(low, noun), f"Member must have {noun} greater than or equal to {low}"))
    if high is not None:
        rules.append((_above(high, noun), f"Member must have {noun} less than or equal to {high}"))
    return rules


def _below(low: int, noun: str) -> Callable[[Any], bool]:
    return (lambda value: value < low) if noun == "value" else (lambda value: len(value) < low)


def _above(high: int, noun: str) -> Callable[[Any], bool]:
    return (lambda value: value > high) if noun == "value" else (lambda value: len(value) > high)


def _pattern(pattern: str) -> Rule:
    matches = matcher(pattern)
    return (lambda value: not matches(value)), f"Member must satisfy regular expression pattern: {pattern}"


def _enum(values: list[str]) -> Rule:
    allowed = frozenset(values)
    return (lambda value: value not in allowed), f"Member must satisfy enum value set: [{', '.join(values)}]"


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise _another_type(value, "String")
    # Half a surrogate pair is no character, and a database keeps no NUL; neither is anybody's name.
    if "\0" in value or not (value.isascii() or _whole(value)):
        raise Unreadable("a string with NUL, or with half a surrogate pair")
    return value


def _whole(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _integer(value: Any) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) >= 2**63:
        raise _another_type(value, "Integer")
    return value


def _float(value: Any) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise _another_type(value, "Double")
    return float(value)


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _another_type(value, "Boolean")
    return value


def _timestamp(value: Any) -> datetime:
    """Epoch seconds, or ISO 8601."""
    try:
        if isinstance(value, str):
            read = datetime.fromisoformat(value)
            return read if read.tzinfo else read.replace(tzinfo=UTC)
        return datetime.fromtimestamp(_float(value), UTC)
    except (ValueError, OverflowError, OSError):
        raise _another_type(value, "Timestamp") from None


def _blob(value: Any) -> bytes:
    try:
        return base64.b64decode(_string(value), validate=True)
    except (binascii.Error, ValueError):
        raise Unreadable("a blob is not Base64") from None


READERS: dict[str, Callable[[Any], Any]] = {
    "string": _string,
    "integer": _integer,
    "long": _integer,
    "double": _float,
    "float": _float,
    "boolean": _boolean,
    "timestamp": _timestamp,
    "blob": _blob,
}


def _document(value: Any, path: str, found: Findings) -> Any:
    """Any JSON."""
    return value


def _another_type(value: Any, wanted: str) -> Unreadable:
    """In the words of the service framework of AWS, which names the token that it met."""
    if isinstance(value, dict):
        words = "Start of structure or map found where not expected."
    elif isinstance(value, list):
        words = "Start of list found where not expected."
    elif wanted in {"structure", "list", "map"}:
        words = "Unexpected field type"
    else:
        token = {str: "STRING_VALUE", bool: "TRUE_VALUE" if value is True else "FALSE_VALUE"}.get(type(value), "NUMBER_VALUE")
        words = f"{token} can not be converted to {'an' if wanted == 'Integer' else 'a'} {wanted}"
    return Unreadable(words, public=words)
