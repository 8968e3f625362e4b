"""HEAD, where GET does something: routing lets it in wherever GET is, and a link preview would spend a sign-in or a sign-out."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from flask import Response, request
from werkzeug.exceptions import MethodNotAllowed

View = Callable[[], Response]


def no_head(view: View) -> View:
    """The view, for GET (and POST, where it is routed) only; HEAD gets 405 and nothing happens."""

    @wraps(view)
    def guarded() -> Response:
        if request.method == "HEAD":
            raise MethodNotAllowed(["GET", "OPTIONS"])
        return view()

    return guarded
