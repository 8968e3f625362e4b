"""gunicorn, embedded: our workers, our companions, one parent that outlives them all and imports, but never connects."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter

from broker.cli import metrics_server
from broker.cli.companion import Companion
from broker.cli.output import note
from broker.cli.turns import TurnWorker

if TYPE_CHECKING:
    from broker.config import Config

# A SAML LogoutRequest by redirect is long; gunicorn allows no more than this.
LONGEST_REQUEST_LINE = 8190


@dataclass(frozen=True, slots=True)
class Plan:
    """What to serve, on which sockets, with whom beside it."""

    config: Config
    sockets: Sequence[socket.socket]
    companions: Sequence[Companion] = ()

    def gunicorn_settings(self) -> dict[str, Any]:
        """In gunicorn's words. Without preloading: each worker builds its own broker after the fork and so owns its connections."""
        server, log = self.config.server, self.config.log
        return {
            # Given away, not lent: a port stays open as long as anybody holds it, and gunicorn alone knows when to let go.
            "bind": [f"fd://{each.detach()}" for each in self.sockets],
            "workers": server.workers,
            "worker_class": TurnWorker,
            "threads": server.threads,
            "graceful_timeout": server.drain_seconds,
            "timeout": 60,
            "keepalive": 5,
            "limit_request_line": LONGEST_REQUEST_LINE,
            "loglevel": "info" if log.level == "debug" else "warning",
            "certfile": str(server.tls_cert) if server.tls_cert else None,
            "keyfile": str(server.tls_key) if server.tls_key else None,
            # Forwarded headers are judged by broker.web against trusted_proxies, and by nobody else.
            "forwarded_allow_ips": "",
            "proc_name": "crossgate",
            "control_socket_disable": True,
            "when_ready": self._ready,
            "post_fork": lambda _arbiter, _worker: self.close_companions_ports(),
            "child_exit": lambda _arbiter, worker: metrics_server.forget(worker.pid),
        }

    def close_companions_ports(self, but: Companion | None = None) -> None:
        """In a process that has no use for them."""
        for companion in self.companions:
            if companion is not but and companion.port is not None:
                companion.port.close()

    def _ready(self, _arbiter: object) -> None:
        server = self.config.server
        note(f"Crossgate listens on {server.bind} for {server.public_url} ({server.workers} workers of {server.threads} threads)")


class Guardian(Arbiter):  # type: ignore[misc]
    """gunicorn's parent process, which also minds the companions."""

    def __init__(self, app: Server) -> None:
        self._plan = app.plan
        self._companions = app.plan.companions
        super().__init__(app)

    def manage_workers(self) -> None:
        """Called about once a second."""
        super().manage_workers()
        for companion in self._companions:
            companion.tend(partial(self._close_ports, companion))

    def reload(self) -> None:
        """SIGHUP: new companions as well as new workers, so that nobody goes on writing to an audit file that was renamed."""
        super().reload()
        for companion in self._companions:
            companion.signal(signal.SIGTERM)

    def stop(self, graceful: bool = True) -> None:
        """Close every port, ask the companions to end, let the workers drain, and wait for both."""
        self._plan.close_companions_ports()
        for companion in self._companions:
            companion.signal(signal.SIGTERM)
        super().stop(graceful)
        give_up = time.monotonic() + (self.cfg.graceful_timeout if graceful else 2)
        while any(companion.alive() for companion in self._companions) and time.monotonic() < give_up:
            time.sleep(0.05)
        for companion in self._companions:
            companion.signal(signal.SIGKILL)

    def handle_usr2(self) -> None:
        """Upgrading in place is not offered: the sockets and companions are ours. Replace instances one after the other."""
        self.log.warning("SIGUSR2 is ignored")

    def _close_ports(self, companion: Companion) -> None:
        """In a companion: hold no port open but its own."""
        for listener in self.LISTENERS:
            listener.close()
        self._plan.close_companions_ports(but=companion)


class Server(BaseApplication):  # type: ignore[misc]
    """The application as gunicorn sees it."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._settings = plan.gunicorn_settings()
        super().__init__()

    def load_config(self) -> None:
        """Ours alone: no command line, no file, no environment of gunicorn's own."""
        for name, value in self._settings.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """In each worker, after the fork."""
        from broker.app import create_app
        from broker.cli.options import connect, logs

        logs(self.plan.config)
        return create_app(connect(self.plan.config))

    def run(self) -> None:
        """Until a signal ends it; by SystemExit."""
        Guardian(self).run()
