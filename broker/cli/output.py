"""What commands print: tables and words for people, one JSON object for programs. Errors are lines on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

# Where nobody watches, a table is as wide as its words: a script must not find them cut at column 80.
PIPED_WIDTH = 400


def console() -> Console:
    """Standard output as it is now (tests replace it)."""
    return Console(file=sys.stdout, highlight=False, width=None if sys.stdout.isatty() else PIPED_WIDTH)


def say(line: str) -> None:
    """A line of result."""
    click.echo(line)


def note(line: str) -> None:
    """A line beside the result: a warning, progress."""
    click.echo(line, err=True)


def as_json(value: Mapping[str, Any]) -> None:
    """The one object that a program reads."""
    click.echo(json.dumps(value, indent=2, default=str))


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table without a frame; values are printed as they are, whatever rich would read into them."""
    drawn = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        drawn.add_column(column, overflow="fold")
    for row in rows:
        drawn.add_row(*(Text("" if cell is None else str(cell)) for cell in row))
    console().print(drawn)


def plural(count: int, word: str) -> str:
    """`1 client`, `2 clients`."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
