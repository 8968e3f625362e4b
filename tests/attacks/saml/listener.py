"""A listener that answers anything and remembers who called: nobody may."""

from __future__ import annotations

import contextlib
import http.server
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.attacks.saml.tearing import VICTIM


@dataclass
class Listener:
    """What was asked of the listener, and its address."""

    url: str = ""
    calls: list[str] = field(default_factory=list)


@contextlib.contextmanager
def listening() -> Iterator[Listener]:
    """A listener on this machine, for as long as the block lasts."""
    heard = Listener()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.calls.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(VICTIM.encode())

        do_POST = do_GET  # noqa: N815 -- the name is the library's

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    heard.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield heard
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
