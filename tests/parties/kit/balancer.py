"""A load balancer: one address in front of several brokers, and a test says which of them the next connection gets."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading

from tests.parties.kit.places import free_port


class Balancer:
    """Passes bytes on, as HAProxy does in TCP mode. `target` is the port behind; a port that refuses looks like a dropped connection."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.target = 0
        owner = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", owner.target), 5) as behind:
                    forward = threading.Thread(target=_copy, args=(self.request, behind), daemon=True)
                    forward.start()
                    _copy(behind, self.request)

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True
            request_queue_size = 64

        self._server = Server(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
