"""Sockets bound before anything else starts: a port that is taken is said in one line, and only the server itself ever listens on it."""

from __future__ import annotations

import errno
import os
import socket
import stat
from pathlib import Path

from broker.errors import ConfigError

BACKLOG = 1024


def listen(bind: str, key: str) -> socket.socket:
    """A listening socket for `HOST:PORT`, `[IPv6]:PORT` or `unix:PATH`. `key` is where the address is configured. Raises ConfigError."""
    try:
        return _unix(Path(bind.removeprefix("unix:"))) if bind.startswith("unix:") else _tcp(bind)
    except OSError as error:
        raise ConfigError(f"{key} = {bind!r}: {_why(error)}") from None


def _tcp(bind: str) -> socket.socket:
    host, _, port = bind.rpartition(":")
    family, kind, protocol, _, address = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[
        0
    ]
    found = socket.socket(family, kind, protocol)
    try:
        # A restart must not wait for connections of the last run to time out. (This does not let two servers share a port.)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(address)
        found.listen(BACKLOG)
    except BaseException:
        found.close()
        raise
    return found


def _unix(path: Path) -> socket.socket:
    _remove_stale(path)
    found = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    # The proxy's account reaches it by the directory's permissions and the group, not because everybody does.
    mask = os.umask(0o007)
    try:
        found.bind(str(path))
        found.listen(BACKLOG)
    except BaseException:
        found.close()
        raise
    finally:
        os.umask(mask)
    return found


def _remove_stale(path: Path) -> None:
    """Take away the socket of a server that was killed; one that answers belongs to a server that lives."""
    if not path.exists() or not stat.S_ISSOCK(path.stat().st_mode):
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()


def _why(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "another program, perhaps another Crossgate, listens there; stop it, or choose another address"
    if error.errno == errno.EADDRNOTAVAIL:
        return "this machine has no such address; choose one of its own, or 0.0.0.0 for all"
    if error.errno in {errno.EACCES, errno.EPERM}:
        return "not allowed; ports below 1024 need a privilege, so choose a higher one behind a proxy"
    return f"cannot listen there: {error.strerror or error}"
