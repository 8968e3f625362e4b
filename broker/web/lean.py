"""Flask without what we never use of it, since each request would pay for it: signals, signed sessions, coroutines, servers by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from flask import Flask, Request, Response
from flask.sessions import NullSession, SessionInterface, SessionMixin
from werkzeug.routing import MapAdapter

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

NO_SESSION = NullSession()


class NoSessions(SessionInterface):
    """Our cookies hold random secrets (`broker.web.cookies`), and nothing is signed into one."""

    def open_session(self, app: Flask, request: Request) -> SessionMixin:
        """The one that cannot be written."""
        return NO_SESSION

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Never called: there is none."""


class LeanFlask(Flask):
    """An application as we need one."""

    session_interface = NoSessions()

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """The function as it is: none of ours is a coroutine."""
        return func

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """By path alone. Whose host it is, tenancy has judged, and no address is ever built from it (row OA-B7)."""
        if request is None:
            return None
        environ = request.environ
        script_name, scheme = environ.get("SCRIPT_NAME", ""), environ["wsgi.url_scheme"]
        return MapAdapter(self.url_map, "", script_name, "", scheme, request.path, request.method, environ.get("QUERY_STRING", ""))

    def full_dispatch_request(self) -> Response:
        """The request, from hook to hook."""
        try:
            answer = self.preprocess_request()
            if answer is None:
                answer = self.dispatch_request()
        except Exception as error:
            answer = self.handle_user_exception(error)
        return self.process_response(self.make_response(answer))


class PlainAnswer(Response):
    """A short answer whose headers are final: it goes out as it is."""

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """As WSGI has it. HEAD, and what has no body, is left to the class above."""
        if environ["REQUEST_METHOD"] == "HEAD" or not isinstance(self.response, list):
            return super().__call__(environ, start_response)
        start_response(self.status, list(self.headers))
        return self.response
