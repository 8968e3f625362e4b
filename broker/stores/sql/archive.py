"""The portable archive: every durable table of one moment, as gzipped lines of JSON.

The first line names the format and the schema's revision; a table begins with a line of its name and columns, its rows are arrays, bytes
are `{"base64": ...}`; the last line counts the rows, so that a file cut short is told from a whole one. Secrets are in it as they are in
the database, sealed: without the master key the archive opens none of them.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from sqlalchemy import Connection, MetaData, select

from broker.errors import ConfigError

_FORMAT = "crossgate archive 1"
# The schema's own bookkeeping, and what is of no use to another moment.
_LEFT_OUT = {"alembic_version", "leases", "transient"}
_BATCH = 500


@dataclass(frozen=True, slots=True)
class Rows:
    """Some rows of a table, in the order of its columns."""

    table: str
    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]


def read_database(connection: Connection) -> Iterator[Rows]:
    """All durable rows, parents before children. In a transaction of the caller's: on PostgreSQL they come through a cursor."""
    schema = MetaData()
    schema.reflect(connection)
    for table in schema.sorted_tables:
        if table.name in _LEFT_OUT:
            continue
        columns = tuple(column.name for column in table.columns)
        result = connection.execute(select(table).execution_options(yield_per=_BATCH))
        empty = True
        for page in result.partitions(_BATCH):
            empty = False
            yield Rows(table.name, columns, [tuple(row) for row in page])
        if empty:
            yield Rows(table.name, columns, [])


def write_archive(file: IO[bytes], revision: str, content: Iterator[Rows]) -> int:
    """Returns the number of rows."""
    count, current = 0, ""
    with gzip.open(file, "wt", encoding="utf-8", compresslevel=6) as out:
        _line(out, {"format": _FORMAT, "revision": revision})
        for part in content:
            if part.table != current:
                current = part.table
                _line(out, {"table": part.table, "columns": part.columns})
            for row in part.rows:
                _line(out, [_plain(value) for value in row])
            count += len(part.rows)
        _line(out, {"rows": count})
    return count


def read_archive(path: Path) -> tuple[str, Iterator[Rows]]:
    """The revision, and the rows. Raises ConfigError if the file is something else; the rows raise it if the file ends early."""
    try:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            head = json.loads(lines.readline())
    except (OSError, EOFError, ValueError):
        raise ConfigError(f"{path}: neither an archive of Crossgate nor a SQLite database") from None
    if not isinstance(head, dict) or head.get("format") != _FORMAT:
        raise ConfigError(f"{path}: not an archive that this version of Crossgate can read")
    return str(head["revision"]), _parts(path)


def _parts(path: Path) -> Iterator[Rows]:
    count, part, end = 0, Rows("", (), []), None
    try:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            lines.readline()
            for line in lines:
                entry = json.loads(line)
                if isinstance(entry, list):
                    part.rows.append(tuple(_value(item) for item in entry))
                    count += 1
                if isinstance(entry, dict) or len(part.rows) >= _BATCH:
                    if part.rows:
                        yield part
                    part = Rows(part.table, part.columns, [])
                if isinstance(entry, dict) and "table" in entry:
                    part = Rows(entry["table"], tuple(entry["columns"]), [])
                elif isinstance(entry, dict):
                    end = entry["rows"]
    except (OSError, EOFError, ValueError, KeyError) as error:
        raise ConfigError(f"{path}: the archive is damaged ({type(error).__name__}); nothing was restored") from None
    if end != count:
        raise ConfigError(f"{path}: the archive was cut short; nothing was restored")


def _line(out: IO[str], entry: object) -> None:
    out.write(json.dumps(entry, separators=(",", ":"), ensure_ascii=False) + "\n")


def _plain(value: Any) -> Any:
    if isinstance(value, bytes | memoryview):
        return {"base64": base64.b64encode(bytes(value)).decode("ascii")}
    return value


def _value(item: Any) -> Any:
    return base64.b64decode(item["base64"], validate=True) if isinstance(item, dict) else item
