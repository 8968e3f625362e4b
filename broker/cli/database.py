"""`crossgate migrate`, `backup` and `restore`: the database as a whole."""

from __future__ import annotations

from pathlib import Path

import click

from broker.cli.options import config_option, load
from broker.cli.output import say


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

    say(f"the database is at revision {database().migrate(load(config_path))}")


@click.command()
@config_option
@click.argument("target", type=click.Path(path_type=Path))
def backup(config_path: Path, target: Path) -> None:
    """Copy the durable state into a new file TARGET.

    The service may go on running.

    For SQLite. (PostgreSQL has better means: pg_dump, or archiving its log.) What is sealed stays sealed: keep the
    master key too, and keep it elsewhere. Sign-ins in flight are not in it.

    \b
    Examples:
      crossgate backup /var/backups/crossgate-monday.db
      crossgate backup --config crossgate.toml /var/backups/crossgate-monday.db
    """
    from broker.cli.prepare import database

    if target.exists():
        raise click.UsageError(f"{target} is there already; name a new file")
    database().backup(load(config_path), target)
    say(f"the durable state is in {target}; it opens with the master key of today")


@click.command()
@config_option
@click.argument("source", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--yes", is_flag=True, help="Do not ask.")
def restore(config_path: Path, source: Path, yes: bool) -> None:
    """Replace the durable state by the copy in SOURCE.

    Stop the service first.

    Everything since the copy was made is lost, revocations of tokens included. The copy may be of an older version: it
    is migrated.

    \b
    Example:
      crossgate restore /var/backups/crossgate-monday.db --yes
    """
    from broker.cli.prepare import database

    loaded = load(config_path)
    if not yes:
        click.confirm(f"Replace everything in the store by {source}?", abort=True)
    database().restore(loaded, source)
    say(f"restored; the database is at revision {database().migrate(loaded)}")
