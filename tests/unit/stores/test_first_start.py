"""Several processes open a new SQLite file at once, as the workers of a first start do."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

from broker.stores.sql.engine import connect_engine, make_file


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


def test_making_a_file_that_is_there_takes_no_lock_from_who_has_it_open(tmp_path: Path) -> None:
    url, log = f"sqlite:///{tmp_path}/here.db", tmp_path / "here.db-wal"
    make_file(url)
    engine = connect_engine(url, durable=False)
    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE TABLE t (x)")
        connection.exec_driver_sql("INSERT INTO t VALUES (1)")
        assert log.exists()
        make_file(url)
        # Another process comes and goes. Were it the last one, it would clear the log away.
        look = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); print(c.execute('SELECT x FROM t').fetchall()); c.close()"
        done = subprocess.run([sys.executable, "-c", look, str(tmp_path / "here.db")], capture_output=True, text=True, timeout=30)
        assert done.stdout == "[(1,)]\n", done.stderr
        assert log.exists()
    engine.dispose()
