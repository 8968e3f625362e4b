"""The only way out. Every outbound call of the broker goes through a `Fetcher`, which decides where it may go and how long it may take.

It follows no redirect unless asked, knows no proxy and no netrc, resolves a name once, vets every address it got, and connects to an
address it vetted: a name that answers differently a moment later (DNS rebinding) changes nothing.
"""

from __future__ import annotations

import json as jsonlib
import zlib
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.client import HTTPException
from importlib.metadata import PackageNotFoundError, version
from urllib.parse import urlencode, urljoin

from urllib3 import BaseHTTPResponse, Timeout
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, ReadTimeoutError, SSLError

from metadata.errors import FetchFailed, FetchRefused, FetchTimeout
from metadata.fetch.addresses import AllowList
from metadata.fetch.target import Target, resolve
from metadata.fetch.transport import Deadline, Pools, seconds_left

try:
    USER_AGENT = f"Crossgate/{version('crossgate')}"
except PackageNotFoundError:  # run from a source tree
    USER_AGENT = "Crossgate/0"

REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds and bytes. `total` covers name, connection, TLS, every redirect and the last byte; `max_bytes` the body, inflated."""

    connect: float = 3.0
    read: float = 5.0
    total: float = 10.0
    max_bytes: int = 1_000_000


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, whatever its status. Header names are in lower case; `url` is the last one asked."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    url: str

    @property
    def media_type(self) -> str:
        """The Content-Type without parameters, in lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


@dataclass(frozen=True, slots=True)
class _Call:
    method: str
    headers: Mapping[str, str]
    body: bytes | None
    operator_declared: bool


class Fetcher:
    """`allow` is `[network] allow`; `ca_file` a PEM bundle of further CAs. Thread-safe, and safe to make before a fork.

    `resolver(host, port)` answers the addresses of a name; tests replace it. Raises ValueError for a bad `allow` entry.
    """

    def __init__(
        self,
        allow: tuple[str, ...] = (),
        limits: Limits | None = None,
        ca_file: str | None = None,
        resolver: Callable[[str, int], list[str]] = resolve,
    ) -> None:
        self._allow = AllowList(allow)
        self._limits = limits or Limits()
        self._resolver = resolver
        self._pools = Pools(ca_file)

    def limited(self, limits: Limits) -> Fetcher:
        """The same way out, sharing its connections, with other limits."""
        other = object.__new__(Fetcher)
        other._allow, other._resolver, other._pools = self._allow, self._resolver, self._pools
        other._limits = limits
        return other

    def close(self) -> None:
        """Close idle connections. The Fetcher may be used again."""
        self._pools.close()

    def get(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        accept: str = "application/json",
        operator_declared: bool = False,
        redirects: int = 0,
    ) -> Reply:
        """GET. At most `redirects` of them are followed, within the same origin only; others come back as they are.

        Raises FetchRefused, FetchTimeout, FetchFailed. A status such as 404 or 500 is no error here.
        """
        call = _Call("GET", {**(headers or {}), "Accept": accept}, None, operator_declared)
        with Deadline(self._limits.total):
            reply = self._send(url, call)
            while redirects > 0 and reply.status in REDIRECTS and "location" in reply.headers:
                target = urljoin(reply.url, reply.headers["location"])
                if Target.parse(target).origin != Target.parse(reply.url).origin:
                    break
                reply, redirects = self._send(target, call), redirects - 1
            return reply

    def post(
        self,
        url: str,
        *,
        form: Mapping[str, str] | str | None = None,
        json: object = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        operator_declared: bool = False,
    ) -> Reply:
        """POST a form (pairs, or already encoded) or a JSON value. Never redirected, never sent twice.

        `auth` is sent as HTTP Basic, as it stands. Raises FetchRefused, FetchTimeout, FetchFailed.
        """
        sent = {"Accept": "application/json", **(headers or {})}
        if form is not None:
            body = (form if isinstance(form, str) else urlencode(form)).encode()
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        else:
            body = jsonlib.dumps(json).encode()
            sent["Content-Type"] = "application/json"
        if auth is not None:
            sent["Authorization"] = "Basic " + b64encode(":".join(auth).encode()).decode()
        with Deadline(self._limits.total):
            return self._send(url, _Call("POST", sent, body, operator_declared))

    def _send(self, url: str, call: _Call) -> Reply:
        target = Target.parse(url)
        target.check_port(call.operator_declared)
        where = f"{target.scheme}://{target.host}:{target.port}"
        try:
            addresses = self._vetted(target, where, call.operator_declared)
            return self._first_that_answers(target, addresses, call)
        except (ConnectTimeoutError, ReadTimeoutError, TimeoutError) as e:
            raise FetchTimeout("The other side was too slow.", f"{where}: {type(e).__name__}") from None
        except (HTTPError, HTTPException, OSError) as e:
            raise FetchFailed("The other side could not be reached.", f"{where}: {_why(e)}") from None

    def _vetted(self, target: Target, where: str, operator_declared: bool) -> list[str]:
        found = self._resolver(target.host, target.port)
        good = [a for a in found if self._allow.permits(target.host, a, operator_declared=operator_declared)]
        # A stranger's name with one bad address is condemned whole; the operator's localhost may well
        # have ::1 beside the 127.0.0.1 that he allowed.
        if not good or (len(good) < len(found) and not operator_declared):
            raise FetchRefused(
                "That address may not be reached from here.",
                f"{where} resolves to {', '.join(found)[:200]}: not public, and "
                + ("not in [network] allow" if operator_declared else "not declared by the operator"),
            )
        return good

    def _first_that_answers(self, target: Target, addresses: list[str], call: _Call) -> Reply:
        for n, address in enumerate(addresses):
            try:
                return self._exchange(target, address, call)
            except (NewConnectionError, ConnectTimeoutError):
                # Nothing was sent yet, so that even a POST may try the next address.
                if n == len(addresses) - 1:
                    raise
        raise OSError("the name has no address")

    def _exchange(self, target: Target, address: str, call: _Call) -> Reply:
        limits = self._limits
        left = seconds_left()
        response = self._pools.pool(target.scheme, target.host, target.port, address).urlopen(
            call.method,
            target.request_target,
            body=call.body,
            headers={
                "Host": target.authority,
                "User-Agent": USER_AGENT,
                "Accept-Encoding": "gzip",
                **call.headers,
            },
            timeout=Timeout(connect=min(limits.connect, left), read=min(limits.read, left)),
            retries=False,
            redirect=False,
            preload_content=False,
            decode_content=False,
        )
        try:
            body = _read(response, limits.max_bytes)
            response.release_conn()
        except BaseException:
            response.close()
            raise
        headers = {k.lower(): v for k, v in response.headers.items()}
        return Reply(response.status, headers, body, target.url)


def _read(response: BaseHTTPResponse, max_bytes: int) -> bytes:
    """The body, inflated by us and never beyond the cap: a bomb costs what it is worth (OA-R5.6)."""
    coding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if coding not in ("identity", "", "gzip"):
        raise FetchRefused("The answer is not readable.", f"content coding {coding[:40]!r} was not asked for")
    inflate = zlib.decompressobj(wbits=31) if coding == "gzip" else None
    parts, size, raw = [], 0, 0
    while True:
        seconds_left()
        chunk = response.read(min(65_536, max_bytes + 1), decode_content=False)
        if not chunk:
            break
        raw += len(chunk)
        if inflate is not None:
            try:
                chunk = inflate.decompress(chunk, max_bytes + 1 - size)
            except zlib.error:
                raise FetchFailed("The answer is not readable.", "broken gzip") from None
        size += len(chunk)
        if max(size, raw) > max_bytes or (inflate is not None and inflate.unconsumed_tail):
            raise FetchRefused("The answer is too large.", f"more than {max_bytes} bytes")
        parts.append(chunk)
    if inflate is not None and not inflate.eof and size:
        raise FetchFailed("The answer is not readable.", "gzip ends early")
    return b"".join(parts)


def _why(error: BaseException) -> str:
    # The text of a urllib3 error may quote the request's target, and that may hold a secret.
    inner = error.__cause__ or error.__context__
    if isinstance(error, SSLError):
        return f"TLS: {error}"[:200]
    return f"{type(error).__name__}" + (f" ({type(inner).__name__})" if inner else "")
