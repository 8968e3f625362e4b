"""Empty databases of each engine that is there."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import create_engine, make_url, text

from tests.contract.adapters import POSTGRES

ENGINES = ("sqlite", *(("postgres",) if POSTGRES else ()))


def new_database(engine: str, folder: Path, name: str = "new") -> str:
    """The URL of a database without a schema."""
    if engine == "sqlite":
        return f"sqlite:///{folder / name}.db"
    url = make_url(POSTGRES).set(drivername="postgresql+psycopg")
    database = f"crossgate_{abs(hash((folder, name)))}"
    server = create_engine(url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)"))
        connection.execute(text(f"CREATE DATABASE {database}"))
    server.dispose()
    return url.set(database=database).render_as_string(hide_password=False)
