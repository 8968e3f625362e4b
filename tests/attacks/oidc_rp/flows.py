"""OA-R3: what can be done to the answer on its way, and by the token endpoint."""

# ruff: noqa: E501 - a table is read a row a line

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable

from tests.attacks.oidc_rp.rig import Rig, Row
from tests.fakes.oidc_op import Pairs


def callback(change: Callable[[Pairs], Pairs]) -> Callable[[Rig], None]:
    """What the browser brings back is changed."""

    def attack(rig: Rig) -> None:
        rig.op.forge.callback = change

    return attack


def without(name: str) -> Callable[[Rig], None]:
    return callback(lambda pairs: [p for p in pairs if p[0] != name])


def instead(name: str, value: str) -> Callable[[Rig], None]:
    return callback(lambda pairs: [(n, value if n == name else v) for n, v in pairs])


def more(*pairs: tuple[str, str]) -> Callable[[Rig], None]:
    return callback(lambda honest: [*honest, *pairs])


def again(name: str) -> Callable[[Rig], None]:
    return callback(lambda pairs: [*pairs, *(p for p in pairs if p[0] == name)])


def token_endpoint(status: int, headers: dict[str, str], body: bytes | str) -> Callable[[Rig], None]:
    """The token endpoint answers so."""
    data = body if isinstance(body, bytes) else body.encode()

    def attack(rig: Rig) -> None:
        rig.op.forge.reply["/token"] = lambda: (status, headers, data)

    return attack


def slow(rig: Rig) -> None:
    def wait() -> tuple[int, dict[str, str], bytes]:
        time.sleep(1)
        return 200, {}, b"{}"

    rig.hurry()
    rig.op.forge.reply["/token"] = wait


def redirect(status: int) -> Callable[[Rig], None]:
    def attack(rig: Rig) -> None:
        rig.op.forge.reply["/token"] = lambda: (status, {"Location": f"{rig.op.issuer}/canary"}, b"")

    return attack


JSON = {"Content-Type": "application/json"}
GZIP = {**JSON, "Content-Encoding": "gzip"}
ERROR = json.dumps({"error": "invalid_grant", "error_description": "<b>no</b>"})
GOOD = {"access_token": "t", "token_type": "Bearer"}

ROWS = [
    Row("OA-R3.1", "state missing", without("state"), "state_mismatch"),
    *(Row("OA-R3.1", f"state {v!r}", instead("state", v), "state_mismatch") for v in ("", "guess", "é")),
    Row("OA-R3.1", "state with a blank more", callback(lambda ps: [(n, v + " " if n == "state" else v) for n, v in ps]), "state_mismatch"),
    Row("OA-R3.3", "iss missing though advertised", without("iss"), "iss_missing"),
    *(Row("OA-R3.3", f"iss {v!r}", instead("iss", v), "iss_mismatch") for v in ("", "https://evil.example", "HTTP://127.0.0.1")),
    Row("OA-R3.3", "iss with a slash more", callback(lambda ps: [(n, v + "/" if n == "iss" else v) for n, v in ps]), "iss_mismatch"),
    Row("OA-R3.3", "iss twice", again("iss"), "parameter_doubled"),
    Row("OA-R3.3", "iss twice, the second another", more(("iss", "https://evil.example")), "parameter_doubled"),
    Row("OA-R3.3", "iss of another in an error", callback(lambda ps: [("error", "access_denied"), ("iss", "https://evil.example"), *(p for p in ps if p[0] == "state")]), "iss_mismatch"),
    Row("OA-R3.3", "not advertised, wrong all the same", more(("iss", "https://evil.example")), "iss_mismatch", lambda rig: setattr(rig.op, "iss_parameter", False)),
    Row("OA-R3.7", "error and code", more(("error", "access_denied")), "error_and_code"),
    Row("OA-R3.7", "code twice", again("code"), "parameter_doubled"),
    Row("OA-R3.7", "code twice, the second another", more(("code", "x")), "parameter_doubled"),
    Row("OA-R3.7", "state twice", again("state"), "parameter_doubled"),
    Row("OA-R3.7", "a parameter of nobody twice", more(("x", "1"), ("x", "2")), "parameter_doubled"),
    Row("OA-R3.7", "another code", instead("code", "substituted"), "code_refused"),
    *(Row("OA-R3.7", f"code {n}", instead("code", v), w) for n, v, w in (("empty", "", "code_missing"), ("of 9 kB", "x" * 9000, "parameter_invalid"), ("with NUL", "a\0b", "parameter_invalid"))),
    Row("OA-R3.7", "no code", without("code"), "code_missing"),
    Row("OA-R3.12", "tokens in front, no code", callback(lambda ps: [("access_token", "t"), ("id_token", "x.y.z"), *(p for p in ps if p[0] != "code")]), "code_missing"),
    *(Row("OA-R3.14", f"redirect {s}", redirect(s), "token_endpoint_redirect") for s in (301, 302, 303, 307, 308)),
    Row("OA-R3.14", "a web page", token_endpoint(200, {"Content-Type": "text/html"}, "<html>"), "token_endpoint_not_json"),
    Row("OA-R3.14", "gzip bomb", token_endpoint(200, GZIP, gzip.compress(bytes(20_000_000))), "token_endpoint_refused"),
    Row("OA-R3.14", "20 MB", token_endpoint(200, JSON, b" " * 20_000_000), "token_endpoint_refused"),
    Row("OA-R3.14", "slow", slow, "token_endpoint_timeout"),
    Row("OA-R3.14", "200 with an error", token_endpoint(200, JSON, ERROR), "code_refused"),
    Row("OA-R3.14", "400 with an error", token_endpoint(400, JSON, ERROR), "code_refused"),
    Row("OA-R3.14", "401 invalid_client", token_endpoint(401, JSON, '{"error":"invalid_client"}'), "client_refused"),
    Row("OA-R3.14", "400 with tokens", token_endpoint(400, JSON, json.dumps(GOOD)), "code_refused"),
    Row("OA-R3.14", "500", token_endpoint(500, JSON, json.dumps(GOOD)), "token_endpoint_status"),
    Row("OA-R3.14", "an array", token_endpoint(200, JSON, "[]"), "token_endpoint_not_json"),
    Row("OA-R3.14", "a member twice", token_endpoint(200, JSON, '{"access_token":"a","access_token":"b"}'), "token_endpoint_not_json"),
    Row("OA-R3.14", "no access token", token_endpoint(200, JSON, "{}"), "token_endpoint_no_token"),
    Row("OA-R3.14", "an access token that would end a header", token_endpoint(200, JSON, json.dumps({**GOOD, "access_token": "a\r\nX: y"})), "token_endpoint_no_token"),
    Row("OA-R3.14", "a token type that is not Bearer", token_endpoint(200, JSON, json.dumps({**GOOD, "token_type": "mac"})), "token_endpoint_token_type"),
]  # fmt: skip
