"""`crossgate migrate`, `backup` and `restore`: the database as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click

from broker.cli.options import config_option, load
from broker.cli.output import plural, say
from broker.errors import ConfigError


@click.command()
@config_option
def migrate(config_path: Path) -> None:
    """Bring the database to this version.

    `crossgate serve` does it at every start; run it yourself where several instances are replaced one after the other.
    Older instances go on working beside the new schema until they are replaced.

    \b
    Example:
      crossgate migrate --config crossgate.toml
    """
    from broker.cli.prepare import database

    say(f"the database is at revision {database().migrate(load(config_path).store.url)}")


@click.command()
@config_option
@click.argument("target", type=click.Path(path_type=Path))
def backup(config_path: Path, target: Path) -> None:
    """Write the durable state into a new file TARGET.

    The service may go on running: what is written is the state of one moment. What is sealed stays sealed, so keep the
    master key too, and keep it elsewhere. Sign-ins in flight are not in it.

    \b
    Examples:
      crossgate backup /var/backups/crossgate-monday
      crossgate backup --config crossgate.toml /var/backups/crossgate-monday
    """
    from broker.cli.prepare import database

    if target.exists():
        raise click.UsageError(f"{target} is there already; name a new file")
    with said(target):
        database().backup(load(config_path).store.url, target)
    say(f"the durable state is in {target}; it opens with the master keys of today")


@click.command()
@config_option
@click.argument("source", type=click.Path(path_type=Path, exists=True, dir_okay=False))
def restore(config_path: Path, source: Path) -> None:
    """Fill an empty store from the backup in SOURCE.

    Stop the service, and move the old database away or name a new one in the file. A backup of SQLite can be restored
    into PostgreSQL and the other way round; one of an older version is migrated. Everything since the backup was made is
    lost, revocations of tokens included.

    \b
    Example:
      crossgate restore /var/backups/crossgate-monday
    """
    from broker.cli.prepare import database
    from broker.model.records import AuditEvent
    from broker.system.audit import AuditLog

    loaded = load(config_path)
    # Before anything is written: what cannot be told of is not done. (A whole broker would make a master key, which a restore brings.)
    audit = AuditLog(loaded.log.audit_file).opened()
    url = loaded.store.url
    with said(source):
        rows = database().restore(url, source)
    audit.emit(AuditEvent(datetime.now(UTC), "store.restored", "ok", "command_line", detail={"source": str(source), "rows": rows}))
    say(f"{plural(rows, 'row')} restored; the database is at revision {database().migrate(url)}")


@contextmanager
def said(path: Path) -> Iterator[None]:
    """A disk that is full, or a folder that is not ours, in a line."""
    try:
        yield
    except OSError as error:
        raise ConfigError(f"{error.filename or path}: {error.strerror or error}") from None
