"""From a whole request to the octets of its answer: the WSGI environment, and the head that goes before the body.

gunicorn's own does more than ours ever ask of it (files, upgrades, early hints, answers in chunks), and pays for it with every request.
"""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Callable
from email.utils import formatdate
from typing import Any
from urllib.parse import unquote_to_bytes

NO_BODY = ("1", "204", "304")

_date: tuple[int, str] = (0, "")


def environ_of(request: Any, peer: Any, server: Any, body: bytes) -> dict[str, Any]:
    """The environment of a request that gunicorn's parser has read (PEP 3333)."""
    environ: dict[str, Any] = {
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": request.scheme,
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.input_terminated": True,
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": _path(request.path),
        "QUERY_STRING": request.query,
        "RAW_URI": request.uri,
        "SERVER_PROTOCOL": "HTTP/1.1" if request.version >= (1, 1) else "HTTP/1.0",
        # A Unix socket has no address.
        "REMOTE_ADDR": peer[0] if isinstance(peer, tuple) else "",
        "SERVER_NAME": server[0] if isinstance(server, tuple) else "localhost",
        "SERVER_PORT": str(server[1]) if isinstance(server, tuple) else "",
    }
    for name, value in request.headers:
        if name == "CONTENT-TYPE":
            environ["CONTENT_TYPE"] = value
        elif name == "CONTENT-LENGTH":
            environ["CONTENT_LENGTH"] = value
        else:
            # No name has an underscore (the parser drops those), so no two of them become one here.
            key = "HTTP_" + name.replace("-", "_")
            environ[key] = f"{environ[key]},{value}" if key in environ else value
    return environ


def _path(path: str) -> str:
    return unquote_to_bytes(path).decode("latin-1") if "%" in path else path


def answer_of(wsgi: Callable[..., Any], environ: dict[str, Any], keep: bool) -> bytes:
    """Run the application and put its answer together, head and body. Raises ValueError for a head that is none, and what it raises."""
    head: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], None]:
        head[:] = status, headers
        return _no_write

    answered = wsgi(environ, start_response)
    try:
        body = b"".join(answered)
    finally:
        if hasattr(answered, "close"):
            answered.close()
    status, headers = head
    bare = status.startswith(NO_BODY)
    lines = [f"HTTP/1.1 {status}", "Server: crossgate", f"Date: {_now()}", f"Connection: {'keep-alive' if keep else 'close'}"]
    length = None
    for name, value in headers:
        lower = name.lower()
        if lower == "content-length":
            length = value
        elif lower not in {"connection", "transfer-encoding", "server", "date"}:
            lines.append(f"{name}: {value}")
    if not bare:
        # The answer to HEAD says the length that GET's would have, and has no body.
        lines.append(f"Content-Length: {length if length is not None and environ['REQUEST_METHOD'] == 'HEAD' else len(body)}")
    # Whoever got a line end into a header could write headers of his own.
    text = "\r\n".join(lines)
    if text.count("\n") >= len(lines) or text.count("\r") >= len(lines) or "\0" in text:
        raise ValueError("a header of the answer holds a line end")
    octets = (text + "\r\n\r\n").encode("latin-1")
    return octets if bare or environ["REQUEST_METHOD"] == "HEAD" else octets + body


def _no_write(_data: bytes) -> None:
    raise RuntimeError("the application must return its answer: the write() of PEP 3333 is not offered")


def _now() -> str:
    """The time as a header has it (RFC 9110 5.6.7), made once a second."""
    global _date  # noqa: PLW0603 -- two threads that make it at once make the same
    second = int(time.time())
    if _date[0] != second:
        _date = (second, formatdate(second, usegmt=True))
    return _date[1]
