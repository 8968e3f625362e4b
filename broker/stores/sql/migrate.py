"""Bringing a database's schema up to date: all steps in one transaction, one process at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from broker.errors import ConfigError
from broker.stores.sql.engine import connect_engine, make_file, parse_url
from broker.stores.sql.work import translated

_FOLDER = Path(__file__).with_name("migrations")
# Any number will do, as long as nobody else locks the same one in this database.
_ADVISORY_LOCK = 0x63726F73


def migrate(url: str, revision: str = "head") -> str:
    """Upgrade to a revision; returns the one that is there now. Raises Unavailable, or ConfigError if a newer Crossgate was here."""
    make_file(url)
    with _locked(url) as connection:
        config = _config(connection)
        try:
            command.upgrade(config, revision)
        except CommandError as error:
            raise ConfigError(f"the database cannot be upgraded (was a newer version of Crossgate here?): {error}") from None
        return MigrationContext.configure(connection).get_current_revision() or ""


def current(url: str) -> str:
    """The database's revision; empty if it has no schema yet, or is not there. Raises Unavailable."""
    parsed = parse_url(url)
    if parsed.drivername == "sqlite" and not Path(str(parsed.database)).exists():
        return ""
    engine = connect_engine(url)
    try:
        with engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision() or ""
    except SQLAlchemyError as error:
        raise translated(error) from error
    finally:
        engine.dispose()


def revisions() -> tuple[str, ...]:
    """All revisions, oldest first."""
    return tuple(reversed([script.revision for script in ScriptDirectory(str(_FOLDER)).walk_revisions()]))


@contextmanager
def _locked(url: str) -> Iterator[Connection]:
    """One transaction that nobody else can be in. The lock ends with it, so it needs no session (PgBouncer) and cannot be left behind."""
    engine = connect_engine(url)
    try:
        with engine.connect() as connection:
            sqlite = connection.dialect.name == "sqlite"
            connection.exec_driver_sql("BEGIN IMMEDIATE" if sqlite else "BEGIN")
            try:
                if not sqlite:
                    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})")
                yield connection
            except BaseException:
                connection.exec_driver_sql("ROLLBACK")
                raise
            connection.exec_driver_sql("COMMIT")
    except SQLAlchemyError as error:
        raise translated(error) from error
    finally:
        engine.dispose()


def _config(connection: Connection) -> Config:
    config = Config()
    # Config reads % as the start of an interpolation.
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
