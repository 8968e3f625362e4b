"""The static files of the faces: style sheets, a script. They carry a digest in their address and are kept for a year."""

from __future__ import annotations

import mimetypes
from functools import cache

from flask import Flask, Response, request

from broker.errors import NotFound
from broker.web.render import STATIC


@cache
def files() -> dict[str, bytes]:
    """Every static file by its name. They are few and small; only what is in this table can be asked for."""
    return {path.relative_to(STATIC).as_posix(): path.read_bytes() for path in sorted(STATIC.rglob("*")) if path.is_file()}


def install(app: Flask) -> None:
    """Serve `faces/static` under /static/ on every host. The app itself must be made with `static_folder=None`."""

    @app.get("/static/<path:name>", endpoint="crossgate_static")
    def file(name: str) -> Response:
        if name not in files():
            raise NotFound("no such static file")
        response = Response(files()[name], mimetype=mimetypes.guess_type(name)[0] or "application/octet-stream")
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        response.add_etag()
        return response.make_conditional(request)  # type: ignore[return-value]
