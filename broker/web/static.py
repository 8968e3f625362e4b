"""The static files of the faces: the style sheet and one script. They carry a digest in their address and are kept for a year."""

from __future__ import annotations

from flask import Flask, Response, send_from_directory

from broker.web.render import STATIC


def install(app: Flask) -> None:
    """Serve `faces/static` under /static/ on every host. The app itself must be made with `static_folder=None`."""

    @app.get("/static/<path:name>", endpoint="crossgate_static")
    def file(name: str) -> Response:
        response = send_from_directory(STATIC, name, max_age=31536000)
        response.cache_control.public = True
        response.cache_control.immutable = True
        return response
