"""`CROSSGATE_{TABLE}_{KEY}`: what the environment says about the service's own tables wins over the file.

A container image brings one file; where it runs decides about addresses and databases. Pools are never changed from here.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any, get_origin

from pydantic import BaseModel

from broker.config.explain import tables_in

PREFIX = "CROSSGATE"
MASTER_KEY = "CROSSGATE_MASTER_KEY"
CONFIG = "CROSSGATE_CONFIG"


def variable(table: str, key: str) -> str:
    """The name of the variable for a key."""
    return f"{PREFIX}_{table}_{key}".upper()


def overlay(
    data: Mapping[str, Any], root: type[BaseModel], environment: Mapping[str, str]
) -> tuple[dict[str, Any], dict[tuple[str, str], str]]:
    """The file's data with the environment's values in it, and which keys those are (by the variable that set them)."""
    merged, origin = dict(data), {}
    for table, field in root.model_fields.items():
        model = next(tables_in(field.annotation), None)
        if model is None or get_origin(field.annotation) is tuple:
            continue
        # A table that is not there is an empty one: its defaults, too, start from the file's directory.
        merged.setdefault(table, {})
        for key, inner in model.model_fields.items():
            name = variable(table, key)
            if name in environment and isinstance(merged[table], dict):
                merged[table] = {**merged[table], key: _value(environment[name], inner.annotation)}
                origin[table, key] = name
    return merged, origin


def _value(text: str, annotation: Any) -> Any:
    """Text for a string; TOML for anything else; a list of strings also as `a, b`."""
    if annotation is str or _is_optional_text(annotation):
        return text
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except ValueError:
        return [part.strip() for part in text.split(",") if part.strip()] if get_origin(annotation) is tuple else text


def _is_optional_text(annotation: Any) -> bool:
    return not any(kind in str(annotation) for kind in ("int", "float", "bool", "tuple"))
