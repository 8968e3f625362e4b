"""Several processes open a new SQLite file at once, as the workers of a first start do."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

from broker.stores.sql.engine import connect_engine


def test_a_file_that_somebody_else_is_turning_to_wal_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    path.touch(0o600)
    # SQLite refuses a change of journal mode at once while another connection writes, whatever the busy timeout says.
    other = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
    other.execute("CREATE TABLE t (x)")
    other.execute("BEGIN IMMEDIATE")
    timer = threading.Timer(0.3, other.execute, ["COMMIT"])
    timer.start()
    engine = connect_engine(f"sqlite:///{path}", durable=False)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    timer.join()
    other.close()
    engine.dispose()
