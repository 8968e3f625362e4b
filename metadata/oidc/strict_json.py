"""JSON as strict as RFC 8259 allows: what two readers could understand differently is refused."""

from __future__ import annotations

import json
import math
from typing import Any

from metadata.errors import DocumentInvalid


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member appears twice")  # OA-R1.17: one reader takes the first, another the last
    return members


def _constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("a number is too large")
    return value


def parse_object(data: bytes) -> dict[str, Any]:
    """The JSON object in these UTF-8 bytes. Raises DocumentInvalid, as parse_json does, and for anything but an object."""
    value = parse_json(data)
    if not isinstance(value, dict):
        raise DocumentInvalid("The document is not readable.", "JSON, but not an object")
    return value


def parse_json(data: bytes) -> Any:
    """The JSON value in these UTF-8 bytes.

    Raises DocumentInvalid: not JSON, a doubled member, NaN or Infinity, nested too deep, NUL or a lone surrogate in a
    string (no database would keep it).
    """
    try:
        value = json.loads(data.decode("utf-8"), object_pairs_hook=_pairs, parse_constant=_constant, parse_float=_float)
        if b"\\u" in data:
            text = json.dumps(value, ensure_ascii=False)
            text.encode("utf-8")
            if "\\u0000" in text.replace("\\\\", ""):
                raise ValueError("NUL in a string")
    except RecursionError:
        raise DocumentInvalid("The document is not readable.", "JSON nested too deep") from None
    except ValueError as e:
        # The text of the error may quote the document, which may hold a token.
        raise DocumentInvalid("The document is not readable.", f"JSON: {type(e).__name__}") from None
    return value
