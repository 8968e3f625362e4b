"""Settings that do not fit, in one line that an operator can act on."""

from __future__ import annotations

from pydantic import ValidationError


def plain_words(error: ValidationError) -> str:
    """A pydantic error as one line that names each option; values are left out, they may be secrets."""
    lines = []
    for detail in error.errors(include_input=False, include_url=False, include_context=False):
        where = ".".join(str(part) for part in detail["loc"])
        text = detail["msg"].removeprefix("Value error, ")
        lines.append(f"{where}: {text}" if where else text)
    return "; ".join(lines)
