"""`crossgate serve`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from broker.cli.options import config_option, connect, load, logs, unsealed
from broker.cli.output import note
from broker.errors import BrokerError, ConfigError

if TYPE_CHECKING:
    from broker.config import Config


@click.command()
@config_option
def serve(config_path: Path) -> None:
    """Serve browsers and applications.

    At the start the database is migrated and the file is applied, under a lease, so that several instances may start at
    once. Then the web workers run, and one background worker beside them (see `crossgate worker`).

    \b
    Signals:
      SIGTERM   closes the port at once, lets the current requests finish ([server] drain_seconds), and ends
      SIGINT    ends at once
      SIGHUP    replaces the workers, the background one too (after a rotation of the audit file); the configuration is
                read at a start only

    \b
    Examples:
      crossgate serve                               # reads ./crossgate.toml
      crossgate serve --config /etc/crossgate.toml
      CROSSGATE_SERVER_BIND=0.0.0.0:8443 crossgate serve
    """
    from broker.cli import metrics_server

    loaded = load(config_path)
    made, parent = metrics_server.directory(), os.getpid()
    try:
        _serve(loaded)
    finally:
        # gunicorn's workers end by unwinding the same frames: the folder is the parent's to remove.
        if os.getpid() == parent:
            metrics_server.remove(made)


def _serve(loaded: Config) -> None:
    from broker.cli import metrics_server
    from broker.cli.companion import Companion, in_child
    from broker.cli.server import Plan, Server
    from broker.cli.sockets import listen
    from broker.cli.worker import run as work

    sockets = [listen(loaded.server.bind, "[server] bind")]
    if loaded.authorize.bind:
        sockets.append(listen(loaded.authorize.bind, "[authorize] bind"))
    companions = []
    if loaded.server.metrics_bind:
        scraped = listen(loaded.server.metrics_bind, "[server] metrics_bind")
        companions.append(Companion("metrics", lambda orphaned: metrics_server.serve(scraped, orphaned), scraped))
    if not loaded.worker.external:
        companions.append(Companion("worker", lambda orphaned: work(loaded, orphaned)))
    logs(loaded)
    # Imported before the forks, so that its memory is shared and no worker waits for it.
    import broker.app
    import broker.cli.tasks
    import broker.wiring  # noqa: F401

    status = in_child(lambda: prepare(loaded))
    if status:
        sys.exit(status)
    Server(Plan(loaded, sockets, companions)).run()


def prepare(loaded: Config) -> int:
    """Migrate and apply; returns an exit status. A refused record is said, and does not keep the others from being served."""
    from broker.cli.prepare import apply_file, database

    logs(loaded)
    try:
        database().migrate(loaded.store.url)
        done = apply_file(connect(loaded))
    except ConfigError as error:
        note(error.private)
        return 2
    except BrokerError as error:
        note(f"{error.code}: {error.private}")
        return 1
    except Exception as error:
        if (foreign := unsealed(error)) is None:
            raise
        note(foreign.private)
        return 2
    for refused in done.report.refused:
        note(f"warning: {refused.pool_id}: {refused.kind} {refused.name}: refused: {refused.reason}")
    for fetched in done.fetched:
        if fetched.problem:
            note(f"warning: {fetched.pool_id}: provider {fetched.provider}: {fetched.problem}")
    return 0
