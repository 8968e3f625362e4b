"""The broker's application for any WSGI server, with one more path that blocks as a slow upstream does. $BENCH_CONFIG names the file."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from broker.app import create_app
from broker.config import loads
from broker.wiring import build

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

_file = Path(os.environ["BENCH_CONFIG"])
_broker = create_app(build(loads(_file.read_text(), _file)))


def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """`/bench/slow` waits for 50 ms; all else is the broker's."""
    if environ["PATH_INFO"] == "/bench/slow":
        time.sleep(0.05)
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "3")])
        return [b"ok\n"]
    return _broker(environ, start_response)
