"""Which pool a request is for, judged before anything else looks at it.

On the public host the first path segment is the pool; on a pool's own host its paths are at the root. Either way every face routes
`/oauth2/authorize` once. Nothing here ever builds a URL from the Host header: it only picks one of the configured origins (row OA-B7).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from broker.errors import BrokerError, InvalidRequest, NotFound, Unavailable, UnknownHost
from broker.model.settings import UserPool
from broker.ports.store import Settings
from broker.web.forwarded import Proxies

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

# A port is digits; the comma that a server puts between doubled Host headers, user info and spaces all fail here.
HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9._-]{0,252})|\[[0-9a-f:.]{2,45}\])(?::[0-9]{1,5})?", re.ASCII)
POOL_ID = re.compile(r"[\w-]{1,64}", re.ASCII)
DEFAULT_PORTS = {"http": "80", "https": "443"}

# A load balancer asks for these by address, whatever the Host.
HEALTH = frozenset({"/healthz", "/readyz"})
ROOT_FOLDERS = ("/static/", "/identity/")
# What a server in front of us may not bring along. A header cannot: its name begins with HTTP_ by then.
NAMES = ("pool", "pool_id", "base_url", "client_address", "refusal", "request_id", "began")
OURS = tuple(f"crossgate.{name}" for name in NAMES)
# No route has this path; the hook in `context` turns it into the refusal's own answer, and without the hook it is a 404.
REFUSED_PATH = "/.refused"


def origins_of(pool: UserPool, public_url: str) -> tuple[str, ...]:
    """Every base URL at which a pool can be reached, its own domain first. Callbacks and metadata list them all."""
    under_public = f"{public_url}/{pool.id}"
    return (_domain_url(pool.domain, public_url), under_public) if pool.domain else (under_public,)


def _domain_url(domain: str, public_url: str) -> str:
    """A pool's own host shares scheme and, unless it names one, port with the public URL."""
    public = urlsplit(public_url)
    port = f":{public.port}" if public.port and ":" not in domain else ""
    return f"{public.scheme}://{domain}{port}"


def _calls(environ: WSGIEnvironment) -> bool:
    """Whether a request of `/` calls an AWS API: by a body, or, as its query protocol allows, all in the URL."""
    return environ.get("REQUEST_METHOD") in {"POST", "OPTIONS"} or "Action=" in str(environ.get("QUERY_STRING", ""))


class Tenancy:
    """WSGI middleware. Sets `crossgate.pool`, `.pool_id`, `.base_url`, `.client_address`, or `.refusal`."""

    def __init__(self, app: WSGIApplication, settings: Settings, public_url: str, trusted_proxies: Iterable[str] = ()) -> None:
        self._app = app
        self._settings = settings
        self._public_url = public_url.rstrip("/")
        parts = urlsplit(self._public_url)
        self._scheme = parts.scheme
        self._netloc = parts.netloc
        self._port = str(parts.port or DEFAULT_PORTS.get(parts.scheme, ""))
        self._host = self._without_default_port(parts.netloc.lower())
        self._proxies = Proxies(trusted_proxies)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Any:
        for name in OURS:
            environ.pop(name, None)
        try:
            self._enter(environ)
        except Unavailable as away:
            # Whose pool it is stays open; the face that was asked still answers in its own format.
            environ["crossgate.refusal"] = away
        except BrokerError as refusal:
            environ.update({"crossgate.refusal": refusal, "PATH_INFO": REFUSED_PATH, "SCRIPT_NAME": ""})
        return self._app(environ, start_response)

    def _enter(self, environ: WSGIEnvironment) -> None:
        hop = self._proxies.strip(environ)
        environ["crossgate.client_address"] = hop.address
        environ["crossgate.base_url"] = self._public_url
        environ["wsgi.url_scheme"] = self._scheme
        path = str(environ.get("PATH_INFO", ""))
        # In absolute form the target would overrule the Host header (RFC 9112 3.2.2); no honest client sends it to an origin.
        if not str(environ.get("RAW_URI") or environ.get("REQUEST_URI") or "/").startswith("/"):
            raise InvalidRequest("request target in absolute form")
        if path in HEALTH and environ.get("REQUEST_METHOD") in {"GET", "HEAD"}:
            environ["HTTP_HOST"] = self._netloc
            return
        host = self._without_default_port(hop.host.lower())
        if not HOST.fullmatch(host):
            raise InvalidRequest("missing, doubled or malformed Host")
        if host == self._host:
            self._on_public_host(environ, path)
        else:
            self._on_own_host(environ, host)

    def _on_public_host(self, environ: WSGIEnvironment, path: str) -> None:
        environ["HTTP_HOST"] = self._netloc
        environ.update({"SCRIPT_NAME": "", "PATH_INFO": path})
        if path.startswith(ROOT_FOLDERS) or (path == "/" and _calls(environ)):
            return
        pool_id, _, rest = path.removeprefix("/").partition("/")
        if not POOL_ID.fullmatch(pool_id):
            raise NotFound("no such pool")
        environ.update({"SCRIPT_NAME": f"/{pool_id}", "PATH_INFO": f"/{rest}"})
        pool = self._settings.pool(pool_id)
        if pool is None:
            raise NotFound("no such pool")
        self._give(environ, pool, f"{self._public_url}/{pool.id}")

    def _on_own_host(self, environ: WSGIEnvironment, host: str) -> None:
        pool = self._settings.pool_by_host(host)
        if pool is None:
            # A domain written without a port means the port of public_url.
            name, _, port = host.rpartition(":")
            pool = self._settings.pool_by_host(name) if name and port == self._port else None
        if pool is None or not pool.domain:
            raise UnknownHost("no pool has this host")
        base_url = _domain_url(pool.domain, self._public_url)
        self._give(environ, pool, base_url)
        environ.update({"SCRIPT_NAME": "", "HTTP_HOST": urlsplit(base_url).netloc})

    def _give(self, environ: WSGIEnvironment, pool: UserPool, base_url: str) -> None:
        if not pool.enabled:
            raise NotFound("the pool is disabled")
        environ.update({"crossgate.pool": pool, "crossgate.pool_id": pool.id, "crossgate.base_url": base_url})

    def _without_default_port(self, host: str) -> str:
        default = ":" + DEFAULT_PORTS.get(self._scheme, "-")
        return host.removesuffix(default)
