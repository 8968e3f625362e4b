"""The way out, against real servers on this machine."""

from __future__ import annotations

import gzip
import logging
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from metadata.errors import FetchFailed, FetchRefused, FetchTimeout
from metadata.fetch import Fetcher, Limits
from metadata.fetch.target import Target
from tests.unit.fetch.servers import Authority, RawServer, answer, raw_server

QUICK = Limits(connect=1, read=0.5, total=1.0, max_bytes=10_000)


@pytest.fixture
def fetcher() -> Iterator[Fetcher]:
    fetch = Fetcher(("127.0.0.0/8",), QUICK)
    yield fetch
    fetch.close()


def get(fetcher: Fetcher, server: RawServer, path: str = "/", **more: object) -> bytes:
    return fetcher.get(server.url + path, operator_declared=True, **more).body  # type: ignore[arg-type]


def test_what_is_sent_and_what_comes_back(fetcher: Fetcher) -> None:
    with raw_server(answer(b'{"a":1}', "404 Not Found", X_Thing="yes")) as server:
        reply = fetcher.get(server.url + "/a%20b?q=ü", headers={"Authorization": "Bearer t"}, operator_declared=True)
    assert (reply.status, reply.body, reply.headers["x-thing"], reply.media_type) == (404, b'{"a":1}', "yes", "application/json")
    head = server.requests[0]
    assert head.startswith("GET /a%20b?q=%C3%BC HTTP/1.1\r\n")
    assert f"Host: 127.0.0.1:{server.port}\r\n" in head
    assert "User-Agent: Crossgate/" in head
    assert "Authorization: Bearer t" in head


def test_post_sends_a_form_or_json(fetcher: Fetcher) -> None:
    with raw_server(answer()) as server:
        fetcher.post(server.url, form={"a": "b c"}, auth=("me", "pw"), operator_declared=True)
        fetcher.post(server.url, json={"a": 1}, operator_declared=True)
    assert "Content-Type: application/x-www-form-urlencoded" in server.requests[0]
    assert "Authorization: Basic bWU6cHc=" in server.requests[0]
    assert "Content-Type: application/json" in server.requests[1]


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1/", "unix:/run/x", "//127.0.0.1/", "http://", "http:///x",
        "http://user:pw@example.com/", "http://example.com:0/", "http://example.com:99999/", "http://exa mple.com/",
        "http://example.com\\@127.0.0.1/", "http://example.com/\r\nX: y", "http://[::1", "http://a%00b/", "https://" + "a" * 5000,
    ],
)  # fmt: skip
def test_a_url_that_is_none_of_ours(fetcher: Fetcher, url: str) -> None:
    with pytest.raises(FetchRefused):
        fetcher.get(url, operator_declared=True)


def test_host_header_brackets_and_default_port() -> None:
    assert Target.parse("https://[2001:db8::1]:8443/x").authority == "[2001:db8::1]:8443"
    assert Target.parse("https://Example.COM.:443").authority == "example.com"
    assert Target.parse("https://bücher.example/").host == "xn--bcher-kva.example"
    assert Target.parse("https://example.com/a#frag").request_target == "/a"


@pytest.mark.parametrize("port", [22, 25, 8080, 6379])
def test_only_the_operator_may_name_a_port(fetcher: Fetcher, port: int) -> None:
    with pytest.raises(FetchRefused, match="port"):
        fetcher.get(f"https://example.com:{port}/")


def test_private_without_declaration_or_allowance_makes_no_connection() -> None:
    with raw_server(answer()) as server:
        for fetch, declared in ((Fetcher(("127.0.0.0/8",)), False), (Fetcher(), True)):
            with pytest.raises(FetchRefused):
                fetch.get(server.url, operator_declared=declared)
    assert server.connections == 0


def test_a_name_is_resolved_once_and_a_mixed_answer_condemned() -> None:
    asked: list[str] = []

    def resolver(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["8.8.8.8", "127.0.0.1"]

    with pytest.raises(FetchRefused, match="not public"):
        Fetcher(resolver=resolver).get("https://rebind.example/")
    assert asked == ["rebind.example"]


def test_the_operators_name_uses_only_the_addresses_allowed() -> None:
    with raw_server(answer(b"here")) as server:
        fetch = Fetcher(("127.0.0.1",), QUICK, resolver=lambda h, p: ["::1", "10.9.8.7", "127.0.0.1"])
        reply = fetch.get(f"http://idp.corp:{server.port}/", operator_declared=True)
    assert reply.body == b"here"
    assert f"Host: idp.corp:{server.port}" in server.requests[0]


def test_the_next_address_is_tried_if_one_refuses() -> None:
    with raw_server(answer(b"here")) as server:
        fetch = Fetcher(("127.0.0.0/8",), QUICK, resolver=lambda h, p: ["127.0.0.9", "127.0.0.1"])
        # Nobody listens at 127.0.0.9 on this port.
        assert fetch.post(f"http://idp.corp:{server.port}/", form={}, operator_declared=True).body == b"here"


def test_connections_are_kept_and_dropped_when_the_server_closes(fetcher: Fetcher) -> None:
    with raw_server(lambda conn, head: conn.sendall(answer(b"x", Connection=""))) as server:
        assert [get(fetcher, server) for _ in range(3)] == [b"x"] * 3
        assert server.connections == 1
    with raw_server(answer(b"y")) as server:
        assert [get(fetcher, server) for _ in range(3)] == [b"y"] * 3
        assert server.connections == 3


def test_nobody_there(fetcher: Fetcher) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(FetchFailed):
        fetcher.get(f"http://127.0.0.1:{port}/", operator_declared=True)
    with pytest.raises(FetchFailed):
        fetcher.get("https://no-such-name.invalid/")


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"])
def test_redirects_are_not_followed(fetcher: Fetcher, status: str) -> None:
    with raw_server(answer(b"", status, Location="/other")) as server:
        assert fetcher.get(server.url, operator_declared=True).status == int(status[:3])
        assert fetcher.post(server.url, form={}, operator_declared=True).status == int(status[:3])
    assert len(server.requests) == 2


def test_a_redirect_within_the_origin_is_followed_a_few_times_on_demand(fetcher: Fetcher) -> None:
    with raw_server(answer(b"", "302 Found", Location="/again")) as server:
        assert fetcher.get(server.url, operator_declared=True, redirects=2).status == 302
    assert len(server.requests) == 3


def test_a_redirect_elsewhere_is_not_followed_even_on_demand(fetcher: Fetcher) -> None:
    with raw_server(answer(b"secret")) as inside, raw_server(answer(b"", "302 Found", Location=inside.url)) as server:
        assert get(fetcher, server, redirects=5) == b""
    assert inside.connections == 0


def test_size_gzip_and_bombs(fetcher: Fetcher) -> None:
    packed = gzip.compress(b"x" * 5000)
    with raw_server(answer(packed, Content_Encoding="gzip")) as server:
        assert get(fetcher, server) == b"x" * 5000
    for body, headers in (
        (b"x" * 10_001, {}),
        (gzip.compress(b"\0" * 50_000_000), {"Content_Encoding": "gzip"}),
        (gzip.compress(b"x") + b"y" * 20_000, {"Content_Encoding": "gzip"}),
        (b"{}", {"Content_Encoding": "br"}),
        (b"{}", {"Content_Encoding": "gzip, gzip"}),
    ):
        with raw_server(answer(body, **headers)) as server, pytest.raises(FetchRefused):
            get(fetcher, server)
    for broken in (packed[:-9], b"not gzip"):
        with raw_server(answer(broken, Content_Encoding="gzip")) as server, pytest.raises(FetchFailed):
            get(fetcher, server)


def test_an_answer_cut_short_is_no_answer(fetcher: Fetcher) -> None:
    with raw_server(answer(b"abc", Content_Length="10")) as server, pytest.raises(FetchFailed):
        get(fetcher, server)


def drip(conn: socket.socket, head: str) -> None:
    for byte in answer(b"x" * 1000):
        conn.sendall(bytes([byte]))
        time.sleep(0.05)


def silence(conn: socket.socket, head: str) -> None:
    time.sleep(3)


@pytest.mark.parametrize("behave", [drip, silence])
def test_slowness_is_bounded_in_total(fetcher: Fetcher, behave: object) -> None:
    with raw_server(behave) as server:  # type: ignore[arg-type]
        begin = time.monotonic()
        with pytest.raises(FetchTimeout):
            get(fetcher, server)
        assert time.monotonic() - begin < 2.5


def test_a_slow_name_server_is_bounded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: time.sleep(2) or [])
    begin = time.monotonic()
    with pytest.raises(FetchTimeout):
        Fetcher(limits=Limits(total=0.3)).get("https://slow.example/")
    assert time.monotonic() - begin < 1


def test_tls(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with raw_server(answer(b"safe"), authority.server("idp.example")) as server:
        url = f"https://idp.example:{server.port}/"

        def fetch(ca: str | None) -> bytes:
            fetcher = Fetcher(("127.0.0.1",), QUICK, ca_file=ca, resolver=lambda h, p: ["127.0.0.1"])
            return fetcher.get(url, operator_declared=True).body

        assert fetch(str(authority.ca_file)) == b"safe"
        with pytest.raises(FetchFailed, match="TLS"):
            fetch(None)


def test_neither_proxy_nor_netrc_nor_debug_log(
    fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password secret\n")
    caplog.set_level(logging.DEBUG)
    with raw_server(answer()) as server, raw_server(answer()) as proxy:
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
        get(fetcher, server, "/?client_secret=abc")
    assert proxy.connections == 0
    assert "authorization" not in server.requests[0].lower()
    assert "abc" not in caplog.text


def test_a_forked_child_makes_its_own_connections(fetcher: Fetcher) -> None:
    with raw_server(lambda conn, head: conn.sendall(answer(b"x", Connection=""))) as server:
        get(fetcher, server)
        before = fetcher._pools.pool("http", "127.0.0.1", server.port, "127.0.0.1")
        fetcher._pools._pid = os.getpid() + 1  # as a child would find it
        assert fetcher._pools.pool("http", "127.0.0.1", server.port, "127.0.0.1") is not before
        assert get(fetcher, server) == b"x"
        assert server.connections == 2
