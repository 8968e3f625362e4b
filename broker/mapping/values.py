"""Values as text: lists and JSON flattened into one string, and back (spec B.9, 7). Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote_plus, unquote_plus


def flatten(value: Any) -> str:
    """One text of any value: `[a,b]` of several, each form-URL-encoded; no brackets around one; JSON of an object.

    Raises ValueError for a value that has no JSON form.
    """
    if isinstance(value, list | tuple):
        texts = texts_of(value)
        return "[" + ",".join(_encode(each) for each in texts) + "]" if len(texts) > 1 else "".join(texts)
    return _text(value)


def unflatten(text: str) -> tuple[str, ...]:
    """The values of a flattened text. A single value that happens to be bracketed cannot be told from a list."""
    if len(text) > 2 and text.startswith("[") and text.endswith("]") and "," in text:
        return tuple(unquote_plus(each) for each in text[1:-1].split(","))
    return (text,) if text else ()


def texts_of(value: Any) -> tuple[str, ...]:
    """Each value as text: one for a scalar or object, one a member for a list. Nulls are left out. Raises ValueError as `flatten`."""
    if isinstance(value, list | tuple):
        return tuple(_text(each) for each in value if each is not None)
    return (_text(value),)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("not a finite number")
    if isinstance(value, bytes):
        raise ValueError("bytes have no text")
    if isinstance(value, Mapping):
        value = dict(value)
    try:
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    except (TypeError, RecursionError):
        raise ValueError("not JSON") from None


def _encode(text: str) -> str:
    # Letters, digits and . - * _ stay (spec B.9, 7); Python would also leave ~ alone.
    return quote_plus(text, safe="*", errors="surrogatepass").replace("~", "%7E")
