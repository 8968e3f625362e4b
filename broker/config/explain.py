"""From pydantic's errors to lines that an operator can act on. Values are quoted only where they cannot be secret."""

from __future__ import annotations

import difflib
import types
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from broker.config.problems import Problem, Wrong, nearest, shown

Loc = tuple[int | str, ...]
EXPECTED = {
    "string_type": ("a string", 'write it in quotes: "..."'),
    "int_type": ("a whole number", "write it without quotes and without a fraction"),
    "int_from_float": ("a whole number", "write it without quotes and without a fraction"),
    "float_type": ("a number", "write it without quotes"),
    "bool_type": ("true or false", "write it without quotes"),
    "tuple_type": ("a list", 'write it in brackets: ["..."]'),
    "dict_type": ("a table", "write it in braces: { ... }"),
    "model_type": ("a table", "write a [table], or { ... }"),
}
WORDS = {str: "a string", bool: "true or false", int: "a whole number", float: "a number", list: "a list", dict: "a table"}


def tables_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """The table classes that an annotation mentions."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation) if get_origin(annotation) in {tuple, Union, types.UnionType} else ():
        yield from tables_in(part)


def table_name(path: Sequence[str], raw: Mapping[str, Any] | None, position: int) -> str:
    """`[[user_pool]] #1 (eu-west-1_Demo)` for a pool, `[[user_pool.provider]] okta` for what is in it."""
    header = f"[[{'.'.join(path)}]]"
    name = next((raw[key] for key in ("id", "name", "identifier") if raw and isinstance(raw.get(key), str) and raw[key]), None)
    if len(path) == 1:
        return f"{header} #{position + 1}" + (f" ({shown(name).strip(chr(39))})" if name else "")
    return f"{header} {shown(name).strip(chr(39))}" if name else f"{header} #{position + 1}"


class Place:
    """Where an error stands: the chain of tables, the key, and the class of the innermost table."""

    def __init__(self, loc: Loc, root: type[BaseModel], data: Mapping[str, Any]) -> None:
        self.model = root
        labels: list[str] = []
        path: list[str] = []
        value: Any = data
        rest = list(loc)
        while rest and isinstance(rest[0], str):
            field = self.model.model_fields.get(rest[0])
            inner = next(tables_in(field.annotation), None) if field else None
            listed = len(rest) > 1 and isinstance(rest[1], int)
            if inner is None or (len(rest) == 1 and path) or (field and not listed and get_origin(field.annotation) is tuple):
                break
            path.append(str(rest.pop(0)))
            value = value.get(path[-1]) if isinstance(value, Mapping) else None
            if listed:
                index = int(rest.pop(0))
                value = value[index] if isinstance(value, list) and index < len(value) else None
                labels.append(table_name(path, value if isinstance(value, Mapping) else None, index))
            elif len(path) == 1:
                labels.append(f"[{path[0]}]")
            else:
                labels[-1:] = [*labels[-1:], f"[{'.'.join(path)}]"]
            self.model = inner
        self.table = " › ".join(labels)
        self.key = _key(rest)


def _key(rest: Sequence[int | str]) -> str:
    """`redirect_uris #2`, `mapping.email`: the words of pydantic's own machinery (`function-after[...]`) are left out."""
    parts = ""
    for part in rest:
        if isinstance(part, int):
            parts += f" #{part + 1}"
        elif "[" not in part and part not in {"[key]"}:
            parts += f".{part}" if parts else part
    return parts


def problems_of(error: ValidationError, file: str, root: type[BaseModel], data: Mapping[str, Any]) -> list[Problem]:
    """One problem for each error."""
    found = []
    for detail in error.errors(include_url=False):
        place = Place(detail["loc"], root, data)
        what, remedy = _explain(detail, place)
        found.append(Problem(file, place.table, place.key, what, remedy))
    return found


def _explain(detail: ErrorDetails, place: Place) -> tuple[str, str]:
    kind, context = detail["type"], detail.get("ctx", {})
    cause = context.get("error")
    if isinstance(cause, Wrong):
        return cause.what, cause.remedy
    if kind == "extra_forbidden":
        return "there is no such key", nearest(str(detail["loc"][-1]), place.model.model_fields)
    if kind == "missing":
        return "is missing", "add it"
    if kind in EXPECTED:
        expected, remedy = EXPECTED[kind]
        return f"must be {expected}, not {WORDS.get(type(detail['input']), 'what it is')}", remedy
    if kind == "literal_error":
        return _not_one_of(detail["input"], str(context.get("expected", "")))
    return _bounds(detail)


def _not_one_of(value: object, expected: str) -> tuple[str, str]:
    words = expected.replace("'", "").replace(" or ", ", ").split(", ")
    if isinstance(value, str):
        close = difflib.get_close_matches(value, words, n=1)
        return f"{shown(value)} is not one of {', '.join(words)}", f"did you mean {close[0]}?" if close else "use one of these"
    return f"must be one of {', '.join(words)}, not {WORDS.get(type(value), 'what it is')}", 'write it in quotes: "..."'


def _bounds(detail: ErrorDetails) -> tuple[str, str]:
    context = detail.get("ctx", {})
    match detail["type"]:
        case "greater_than_equal":
            return f"{shown(detail['input'])} is less than {context['ge']}", f"give {context['ge']} or more"
        case "greater_than":
            return f"{shown(detail['input'])} is not more than {context['gt']}", f"give more than {context['gt']}"
        case "less_than_equal":
            return f"{shown(detail['input'])} is more than {context['le']}", f"give {context['le']} or less"
        case "string_too_long":
            return f"is longer than {context['max_length']} characters", "shorten it"
        case "string_too_short":
            return "is empty", "give it a value"
        case "too_long":
            return f"has more than {context['max_length']} entries", "remove some"
        case "too_short":
            return f"has fewer than {context['min_length']} entries", "add one"
    return detail["msg"].lower(), "see the configuration reference"
