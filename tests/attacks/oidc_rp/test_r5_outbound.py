"""OA-R5: keys that come and go, and calls that must not leave."""

# ruff: noqa: E501 - a table is read a row a line

from __future__ import annotations

import gzip
import json
import ssl
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from metadata.fetch import Fetcher, Limits
from providers.base import Toolbox
from providers.errors import ProviderError
from tests.attacks.oidc_rp.rig import Rig
from tests.fakes.oidc_op import SigningKey, sign
from tests.unit.fetch.servers import Authority, RawServer, answer, raw_server


def refused(rig: Rig) -> str:
    with pytest.raises(ProviderError) as caught:
        rig.login()
    return caught.value.reason


def test_r5_1_a_thousand_unknown_kids_cost_one_fetch_a_cool_down(rig: Rig) -> None:
    rig.login()
    provider = rig.provider()
    before = rig.op.hits("/jwks")
    key = SigningKey.make("x").key
    for n in range(1000):
        token = sign({"alg": "RS256", "kid": f"random-{n}"}, {"iss": rig.op.issuer}, key)
        with pytest.raises(ProviderError, match="logout_token_key"):
            provider.receive_logout(replace(rig.inbound(()), method="POST", form=(("logout_token", token),)))
    assert rig.op.hits("/jwks") == before + 1
    rig.clock.advance(seconds=31)
    assert refused_logout(rig, key) == "logout_token_key"
    assert rig.op.hits("/jwks") == before + 2
    assert rig.login().subject == "user-1"


def refused_logout(rig: Rig, key: Any) -> str:
    token = sign({"alg": "RS256", "kid": "random"}, {"iss": rig.op.issuer}, key)
    with pytest.raises(ProviderError) as caught:
        rig.provider().receive_logout(replace(rig.inbound(()), method="POST", form=(("logout_token", token),)))
    return caught.value.reason


@pytest.mark.parametrize("status", [500, 404, 200])
@pytest.mark.parametrize("path", ["/jwks", "/.well-known/openid-configuration"])
def test_r5_2_the_last_good_copy_outlives_an_outage(rig: Rig, path: str, status: int) -> None:
    rig.login()
    rig.op.forge.reply[path] = lambda: (status, {"Content-Type": "application/json"}, b"oops")
    rig.clock.advance(hours=2)
    for _ in range(5):
        assert rig.login().subject == "user-1"
    assert rig.op.hits(path) == 2  # the first, and one try; not one a login
    rig.clock.advance(hours=23)
    assert refused(rig).startswith(("jwks_", "discovery_"))
    rig.op.reset()
    rig.clock.advance(seconds=11)
    assert rig.login().subject == "user-1"


def test_r5_3_a_new_key_at_once_a_removed_one_within_the_ttl(rig: Rig) -> None:
    rig.login()
    old = rig.op.key
    rig.op.rotate(keep_old=False)
    assert rig.login().subject == "user-1"
    rig.op.forge.token = lambda h, c, k: sign({**h, "kid": old.kid}, c, old.key)
    rig.clock.advance(minutes=11)
    assert refused(rig) == "id_token_key"


def test_r5_3_a_removed_key_with_no_new_one_seen(rig: Rig) -> None:
    """The key set shrinks while no token of ours names a new key: the ttl alone must notice."""
    old = rig.op.key
    rig.op.rotate()
    rig.login()
    rig.op.keys = [rig.op.key]
    rig.op.forge.token = lambda h, c, k: sign({**h, "kid": old.kid}, c, old.key)
    rig.clock.advance(minutes=10, seconds=1)
    assert refused(rig) == "id_token_key"
    rig.op.forge.token = None
    assert rig.login().subject == "user-1"


BAD_ENTRIES: list[Any] = [
    None, 1, "x", [], {}, {"kty": "RSA"}, {"kty": "RSA", "n": "!", "e": "AQAB"}, {"kty": "RSA", "n": 5, "e": 6}, {"kty": "quantum", "kid": "q"},
    {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}, {"kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA"}, {"kty": "oct", "k": "c2VjcmV0"},
    {"kty": "OKP", "crv": "X25519", "x": "AA"}, {"kty": ["RSA"]}, {"kty": "RSA", "kid": 7, "n": "AQAB", "e": "AQAB"}, {"kty": "RSA", "n": "A" * 5000, "e": "AQAB"},
]  # fmt: skip


@pytest.mark.parametrize("entry", BAD_ENTRIES, ids=lambda e: json.dumps(e)[:50])
def test_r5_4_one_bad_entry_spoils_no_other(rig: Rig, entry: Any) -> None:
    rig.op.forge.jwks = lambda d: {"keys": [entry, *d["keys"], entry]}
    assert rig.login().subject == "user-1"


@pytest.mark.parametrize("keys", [None, {}, [], "x", [{}] * 101])
def test_r5_4_no_usable_key_at_all(rig: Rig, keys: Any) -> None:
    rig.op.forge.jwks = lambda d: {"keys": keys}
    assert refused(rig) == "jwks_invalid"
    rig.op.reset()
    rig.clock.advance(seconds=11)
    assert rig.login().subject == "user-1"


@pytest.mark.parametrize("where", ["same", "other"])
@pytest.mark.parametrize("path", ["/jwks", "/userinfo"])
def test_r5_5_a_redirect_is_not_followed(rig: Rig, path: str, where: str) -> None:
    with raw_server(answer(b'{"keys":[]}')) as other:
        target = f"{rig.op.issuer}/canary" if where == "same" else other.url
        rig.op.forge.reply[path] = lambda: (302, {"Location": target}, b"")
        assert refused(rig) in ("jwks_refused", "userinfo_status")
        assert other.connections == 0
    assert rig.op.hits("/canary") == 0


def test_r5_5_discovery_may_move_within_its_origin_only(rig: Rig) -> None:
    document = json.dumps(rig.op.discovery()).encode()
    rig.op.forge.reply["/moved"] = lambda: (200, {"Content-Type": "application/json"}, document)
    rig.op.forge.reply["/.well-known/openid-configuration"] = lambda: (302, {"Location": "/moved"}, b"")
    assert rig.login().subject == "user-1"
    with raw_server(answer(document)) as other:
        rig.op.forge.reply["/.well-known/openid-configuration"] = lambda: (302, {"Location": other.url}, b"")
        fresh = Rig(rig.op)
        assert refused(fresh) == "discovery_refused"
        assert other.connections == 0
        fresh.tools.fetch.close()


BODIES = {
    "large": (b" " * 5_000_000, {}),
    "bomb": (gzip.compress(bytes(50_000_000)), {"Content-Encoding": "gzip"}),
    "no JSON": (b"keys: none", {}),
    "a page": (b"<html>", {"Content-Type": "text/html"}),
    "JSON that says it is a page": (b"{}", {"Content-Type": "text/html"}),
    "an array": (b"[]", {}),
    "bad UTF-8": (b'{"a":"\xff"}', {}),
    "another coding": (b"{}", {"Content-Encoding": "deflate"}),
}


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("path", ["/jwks", "/.well-known/openid-configuration", "/userinfo"])
def test_r5_6_what_cannot_be_read_is_bounded_and_refused(rig: Rig, path: str, body: str) -> None:
    data, headers = BODIES[body]
    rig.op.forge.reply[path] = lambda: (200, {"Content-Type": "application/json", **headers}, data)
    begin = time.monotonic()
    reason = refused(rig)
    assert time.monotonic() - begin < 8
    assert reason.rpartition("_")[2] in ("invalid", "refused", "json", "sub")
    rig.op.reset()
    rig.clock.advance(seconds=11)
    assert rig.login().subject == "user-1"


@pytest.mark.parametrize("path", ["/jwks", "/.well-known/openid-configuration", "/userinfo"])
def test_r5_6_slowness(rig: Rig, path: str) -> None:
    def slow() -> tuple[int, dict[str, str], bytes]:
        time.sleep(1)
        return 200, {}, b"{}"

    rig.hurry()
    rig.op.forge.reply[path] = slow
    assert refused(rig).endswith("_timeout")


@pytest.fixture
def canary() -> Iterator[RawServer]:
    with raw_server(answer()) as server:
        yield server
        assert server.connections == 0, server.requests


FORMS = (
    "http://127.0.0.1:{port}/", "https://127.0.0.1:{port}/", "https://127.1:{port}/", "https://2130706433:{port}/", "https://0x7f000001:{port}/",
    "https://0177.0.0.1:{port}/", "https://[::1]:{port}/", "https://[::ffff:127.0.0.1]:{port}/", "https://localhost:{port}/", "https://0.0.0.0:{port}/",
    "https://169.254.169.254/", "https://10.0.0.1/", "https://[fd00::1]/", "https://u:p@127.0.0.1:{port}/", "file:///etc/passwd", "gopher://127.0.0.1:{port}/",
    "ftp://127.0.0.1:{port}/", "https://127.0.0.1/", "https://2130706433/", "https://[::ffff:7f00:1]/", "https://example.com:22/",
)  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["token_endpoint", "jwks_uri", "userinfo_endpoint"])
def test_r5_7_an_idp_inside_may_point_to_itself_and_nowhere_else_inside(rig: Rig, canary: RawServer, name: str, form: str) -> None:
    """The operator declared the issuer and allowed its network; the document that it serves is still a stranger's word."""
    rig.op.forge.discovery = lambda d: {**d, name: form.format(port=canary.port)}
    assert refused(rig).endswith(("_invalid", "_refused"))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("declared", [False, True])
def test_r5_7_an_issuer_that_a_customer_typed(rig: Rig, canary: RawServer, form: str, declared: bool) -> None:
    """Not declared by the operator, although allowed; or declared, and nothing allowed."""
    url = form.format(port=canary.port).rstrip("/")
    rig.tools = replace(rig.tools, fetch=Fetcher(() if declared else ("0.0.0.0/0", "::/0")))
    with pytest.raises(ProviderError) as caught:
        rig.begin(rig.provider(options={"issuer": url, "client_id": "client-1"}, operator_declared=declared))
    assert caught.value.reason in ("options_invalid", "discovery_refused", "discovery_timeout", "discovery_failed")
    assert caught.value.public == type(caught.value).public  # one text for all, so that a form is no scanner


@pytest.mark.parametrize("form", FORMS)
def test_r5_7_endpoints_written_out(rig: Rig, canary: RawServer, form: str) -> None:
    url = form.format(port=canary.port)
    honest = {"authorize_url": "https://idp.example/a", "token_url": url, "jwks_uri": "https://idp.example/j"}
    options = {"issuer": "https://idp.example", "client_id": "client-1", **honest}

    def login() -> None:
        provider = rig.provider(options=options, operator_declared=False)
        started = rig.begin(provider)
        state = json.loads(started.memo)["handle"]
        provider.finish(started.memo, rig.inbound([("code", "c"), ("state", state)]))

    with pytest.raises(ProviderError) as caught:
        login()
    assert caught.value.reason in ("options_invalid", "token_endpoint_refused", "token_endpoint_failed")


def test_r5_8_a_name_that_answers_differently_the_second_time(rig: Rig, canary: RawServer) -> None:
    """First public, then inside. The name is asked once a call, each answer is vetted, and the vetted address is the one called."""
    answers = iter([["203.0.114.1"], ["127.0.0.1"], ["127.0.0.1"]])
    asked: list[str] = []

    def resolver(host: str, port: int) -> list[str]:
        asked.append(host)
        return next(answers)

    fetch = Fetcher(("127.0.0.0/8",), Limits(connect=0.2, total=0.5), resolver=resolver)
    rig.tools = replace(rig.tools, fetch=fetch)
    provider = rig.provider(options={"issuer": "https://rebind.example", "client_id": "client-1"}, operator_declared=False)
    for why in ("discovery_timeout", "discovery_refused"):
        with pytest.raises(ProviderError) as caught:
            rig.begin(provider)
        if caught.value.reason == "discovery_failed":
            why = "discovery_failed"  # a machine without a route says so at once
        assert caught.value.reason == why
        rig.clock.advance(seconds=11)
    assert asked == ["rebind.example"] * 2


TLS = {"expired": {"days": -1}, "self-signed": {"self_signed": True}, "TLS 1.1": {"newest": ssl.TLSVersion.TLSv1_1}}


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
@pytest.mark.parametrize("name", [*TLS, "another host", "good"])
def test_r5_9_tls(rig: Rig, tmp_path: Path, name: str) -> None:
    authority = Authority(tmp_path)
    host = "other.example" if name == "another host" else "idp.example"
    context = authority.server(host, **TLS.get(name, {}))  # type: ignore[arg-type]
    with raw_server(answer(b'{"issuer":"x"}'), context) as server:
        fetch = Fetcher(("127.0.0.1",), Limits(total=2), ca_file=str(authority.ca_file), resolver=lambda h, p: ["127.0.0.1"])
        rig.tools = Toolbox(rig.clock, fetch, rig.tools.token)
        provider = rig.provider(options={"issuer": f"https://idp.example:{server.port}", "client_id": "client-1"})
        with pytest.raises(ProviderError) as caught:
            rig.begin(provider)
    # The good one is read, and found to name another issuer.
    assert caught.value.reason == ("issuer_mismatch" if name == "good" else "discovery_failed")
    assert len(server.requests) == (name == "good")


def test_r5_10_no_proxy_and_no_netrc(rig: Rig, canary: RawServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login stolen password stolen\n")
    (tmp_path / ".netrc").chmod(0o600)
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, canary.url)
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("HOME", str(tmp_path))
    rig.login()
    for seen in rig.op.seen:
        if seen.path in ("/jwks", "/.well-known/openid-configuration"):
            assert "authorization" not in seen.headers
        assert "stolen" not in str(seen.headers)
