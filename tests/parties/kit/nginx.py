"""nginx as the guard of a service: a private instance that reads nothing of /etc/nginx, and the service behind it."""

from __future__ import annotations

import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.parties.kit import guide
from tests.parties.kit.places import discard, free_port, scratch
from tests.parties.kit.process import Process, answers

CONFIGURATION = """
daemon off;
pid {directory}/nginx.pid;
error_log {directory}/error.log info;
worker_processes 1;
{user}
events {{ worker_connections 128; }}
http {{
    access_log off;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    {bind}
    {server}
}}
"""


class Service:
    """Tells what reached it. It trusts whoever comes, as services behind a guard do."""

    def __init__(self) -> None:
        class Handler(BaseHTTPRequestHandler):
            def _tell(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                told = json.dumps({"path": self.path, "headers": headers, "body": body.decode()}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(told)))
                self.end_headers()
                self.wfile.write(told)

            do_GET = do_PUT = _tell  # noqa: N815

            def log_message(self, *_: Any) -> None:
                """Nobody reads it."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Nginx:
    """The server block of the guide on a free port. `source`: the address that it asks from."""

    def __init__(self, authorize: str, service: str, source: str = "") -> None:
        self.port = free_port()
        self.directory = scratch("nginx")
        block = guide.nginx(authorize, service)
        assert block.startswith("server {\n")
        server = block.replace("server {\n", f"server {{\n    listen 127.0.0.1:{self.port};\n", 1)
        configuration = self.directory / "nginx.conf"
        text = CONFIGURATION.format(directory=self.directory, user=_user(), bind=f"proxy_bind {source};" if source else "", server=server)
        configuration.write_text(text)
        command = ["/usr/sbin/nginx", "-c", str(configuration), "-p", str(self.directory), "-e", str(self.directory / "error.log")]
        self.process = Process("nginx", command)
        self.process.wait(answers(f"http://127.0.0.1:{self.port}/"))

    def close(self) -> None:
        self.process.stop()
        discard(self.directory)


def _user() -> str:
    """Started as root it would make itself somebody else, who cannot write here."""
    return "user root;" if os.getuid() == 0 else ""
