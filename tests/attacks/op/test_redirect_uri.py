"""OA-P1.1 to P1.10: where an answer may go. Until client and address are trusted, an error is a page and never a redirect."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from broker.config import loads
from broker.errors import ConfigError
from tests.attacks.op.rig import POOL, World
from tests.attacks.op.setup import LOOPBACK, REDIRECT, WITH_QUERY
from tests.fakes.setup import TOML

HONEST = {
    "response_type": "code", "client_id": "many", "redirect_uri": REDIRECT, "scope": "openid", "state": "s",
    "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "code_challenge_method": "S256",
}  # fmt: skip

NOT_REGISTERED = {
    "P1.1": ["https://evil.example/cb", "https://app.example", "https://app.example/", "/cb", "cb"],
    "P1.2": [
        f"{REDIRECT}/", f"{REDIRECT}/evil", f"{REDIRECT}/../evil", "https://app.example/x/../cb", "https://app.example/%2e%2e/cb",
        "https://app.example/./cb", "https://app.example/%63b", "https://app.example/cb%252e", f"{REDIRECT};x=1", f"{REDIRECT}%00",
        "https://app.example//cb", "https://app.example/CB",
    ],
    "P1.3": [
        f"{REDIRECT}?x=1", f"{REDIRECT}?", f"{REDIRECT}#", f"{REDIRECT}#x", f"{WITH_QUERY}&x=1",
        "https://app.example/cb?place=2&tenant=1", "https://app.example/cb?tenant=1", f"{WITH_QUERY}#x", WITH_QUERY.replace("=1", "=%31"),
    ],
    "P1.4": [
        "https://APP.example/cb", "HTTPS://app.example/cb", "https://app.example./cb", "https://app.example:443/cb",
        "https://app.example:8443/cb", "http://app.example/cb", "https://xn--pp-xja.example/cb", "https://аpp.example/cb",
    ],
    "P1.5": [
        "https://app.example@evil.example/cb", "https://app.example:x@evil.example/cb", "https://evil.example#app.example/cb",
        "https://evil.example?app.example/cb", "https://app.example.evil.example/cb", "https://evil.example\\@app.example/cb",
        "https://user@app.example/cb",
    ],
    "P1.6": [
        "https://app.example\\cb", "https:\\\\app.example/cb", "https://app.example／cb", "https:/app.example/cb", "//app.example/cb",
        "https://app.example/cb\u2028",
    ],
    "P1.7": [
        LOOPBACK.replace("127.0.0.1", "localhost"), LOOPBACK.replace("127.0.0.1", "[::1]"), LOOPBACK.replace("3000", "3001"),
        LOOPBACK.replace(":3000", ""), LOOPBACK.replace("127.0.0.1", "127.1"), LOOPBACK.replace("http", "https"),
    ],
    "P1.8": ["javascript:alert(1)", "data:text/html,x", "vbscript:x", "app:/cb", "file:///etc/passwd", "about:blank", "blob:x"],
}  # fmt: skip

CONTROL = ["\t", "\n", "\r\n", "\x00", "\x7f", "\x1b", "\u0085"]

REGISTERED_BADLY = [
    "javascript:alert(1)", "data:text/html,x", "vbscript:x", "app:/cb", "file:///cb", "http://app.example/cb", "https://app.example/cb#x",
    "https://user@app.example/cb", "/cb", "https://", "", "https://app.example/\n",
]  # fmt: skip


def authorize(world: World, *extra: tuple[str, str], **changes: str) -> TestResponse:
    pairs = [(name, value) for name, value in (HONEST | changes).items() if value is not None]
    query = "&".join(f"{name}={_quoted(value)}" for name, value in [*pairs, *extra])
    return world.broker.browser().get(f"{world.url('/oauth2/authorize')}?{query}")


def _quoted(value: str) -> str:
    return "".join(f"%{octet:02X}" for octet in value.encode())


@contextmanager
def honest_after(world: World, **changes: str) -> Iterator[None]:
    """The positive twin: the untouched request goes upstream."""
    yield
    assert authorize(world, **changes).location.startswith("https://idp.example/sso")


@pytest.mark.parametrize(("row", "address"), [(row, address) for row, addresses in NOT_REGISTERED.items() for address in addresses])
def test_p1_1_to_8_an_address_that_is_not_registered_to_the_letter(world: World, row: str, address: str) -> None:
    with honest_after(world):
        page = world.refuses(lambda: authorize(world, redirect_uri=address), "redirect_mismatch", status=400)
    assert "evil" not in page.get_data(as_text=True), row


@pytest.mark.parametrize("registered", [REDIRECT, LOOPBACK, WITH_QUERY])
def test_p1_3_the_registered_ones_get_their_answers_whole(world: World, registered: str) -> None:
    flow, code = world.code("many", redirect_uri=registered) if registered == REDIRECT else (None, "")
    assert flow is None or code
    answer = authorize(world, redirect_uri=registered, prompt="none").location
    assert answer.startswith(registered + ("&" if "?" in registered else "?"))


@pytest.mark.parametrize("control", CONTROL)
@pytest.mark.parametrize("name", ["redirect_uri", "client_id", "state", "scope"])
def test_p1_6_control_characters_are_refused_unread(world: World, control: str, name: str) -> None:
    with honest_after(world):
        world.refuses(lambda: authorize(world, **{name: HONEST[name] + control}), "invalid_request", status=400)


@pytest.mark.parametrize("raw", ["%FF", "%ED%A0%80", "%C0%AF"])
def test_p1_6_what_is_not_utf8_is_refused(world: World, raw: str) -> None:
    query = "&".join(f"{name}={_quoted(value)}" for name, value in HONEST.items())
    with honest_after(world):
        attack = f"{world.url('/oauth2/authorize')}?{query}{raw}"
        world.refuses(lambda: world.broker.browser().get(attack), "invalid_request", status=400)


@pytest.mark.parametrize("address", REGISTERED_BADLY)
def test_p1_8_such_an_address_cannot_even_be_registered(address: str, tmp_path: Path) -> None:
    text = TOML[: TOML.index("[[user_pool.provider]]")].replace('providers = ["corp", "op"]', "").replace('providers = ["corp"]', "")
    assert REDIRECT in text
    with pytest.raises(ConfigError) as caught:
        loads(text.replace(f'redirect_uris = ["{REDIRECT}"]', f"redirect_uris = ['''{address}''']"), tmp_path / "crossgate.toml")
    assert "redirect_uris" in caught.value.private


@pytest.mark.parametrize("missing", [{"redirect_uri": ""}, {"redirect_uri": None}])
def test_p1_9_no_address_is_no_address_even_where_one_could_be_guessed(world: World, missing: dict[str, str]) -> None:
    for client in ("many", "app"):
        with honest_after(world):
            world.refuses(lambda client=client: authorize(world, client_id=client, **missing), "redirect_missing", status=400)


@pytest.mark.parametrize("second", [REDIRECT, "https://evil.example/cb", ""])
def test_p1_9_two_addresses_are_none(world: World, second: str) -> None:
    with honest_after(world):
        world.refuses(lambda: authorize(world, ("redirect_uri", second)), "invalid_request", status=400)


BROKEN = {
    "response_type": {"response_type": "bad"},
    "no response_type": {"response_type": ""},
    "scope": {"scope": "openid nothing"},
    "no openid": {"scope": "email"},
    "prompt": {"prompt": "sometimes"},
    "request object": {"request": "eyJhbGciOiJub25lIn0.e30."},
    "max_age": {"max_age": "-1"},
    "pkce": {"code_challenge": "short"},
    "resource": {"resource": "not a uri"},
    "provider": {"identity_provider": "nobody"},
    "hint": {"id_token_hint": "e30.e30.e30"},
}


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("address", ["https://evil.example/cb", "https://evil.example/cb?error=x", "javascript:alert(1)"])
def test_p1_10_no_error_goes_to_an_address_that_nobody_vouches_for(world: World, name: str, address: str) -> None:
    with honest_after(world):
        world.refuses(lambda: authorize(world, **BROKEN[name], redirect_uri=address), "redirect_mismatch", status=400)


@pytest.mark.parametrize("client", ["nobody", "elsewhere", "", "Many", "many "])
def test_p1_10_an_unknown_client_vouches_for_nothing(world: World, client: str) -> None:
    """Another pool's client is as unknown as any."""
    with honest_after(world):
        page = world.refuses(lambda: authorize(world, client_id=client), "unknown_client", status=400)
    assert POOL not in page.headers.get("Location", "")
