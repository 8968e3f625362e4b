"""OA-P2.9 to P2.11: one way of proving who a client is, the registered one, and one answer to every other."""

from __future__ import annotations

import base64
import hmac
import json
import secrets
from collections.abc import Callable
from typing import Any

import pytest
from joserfc.jwk import OctKey
from werkzeug.test import TestResponse

from tests.attacks.op.rig import POOL, World
from tests.attacks.op.setup import OTHER_POOL
from tests.fakes.broker import SECRET
from tests.fakes.oidc_op import SigningKey, b64, sign

MACHINE = {"grant_type": "client_credentials"}
TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
REFRESH = {"grant_type": "refresh_token", "refresh_token": "none"}


def honest(world: World) -> None:
    assert world.post("/oauth2/token", MACHINE, f"machine:{SECRET}").status_code == 200
    assert world.post("/oauth2/token", MACHINE | {"client_id": "machine", "client_secret": SECRET}).status_code == 200


# form, Basic, error, audit reason
WAYS: dict[str, tuple[dict[str, str], str | None, str]] = {
    "P2.9 nothing at all": ({}, None, "invalid_request"),
    "P2.9 no auth": ({"client_id": "machine"}, None, "invalid_client"),
    "P2.9 wrong secret": ({}, "machine:wrong", "invalid_client"),
    "P2.9 wrong secret in the body": ({"client_id": "machine", "client_secret": "wrong"}, None, "invalid_client"),
    "P2.9 empty secret": ({}, "machine:", "invalid_client"),
    "P2.9 empty secret in the body": ({"client_id": "machine", "client_secret": ""}, None, "invalid_client"),
    "P2.9 the secret, cut": ({}, f"machine:{SECRET[:-1]}", "invalid_client"),
    "P2.9 the secret and a NUL": ({}, f"machine:{SECRET}%00", "invalid_client"),
    "P2.9 the secret and a space": ({}, f"machine:{SECRET}+", "invalid_client"),
    "P2.9 both ways, both right": ({"client_id": "machine", "client_secret": SECRET}, f"machine:{SECRET}", "invalid_request"),
    "P2.9 both ways, Basic wrong": ({"client_id": "machine", "client_secret": SECRET}, "machine:wrong", "invalid_request"),
    "P2.9 secret in the body beside Basic": ({"client_secret": SECRET}, f"machine:{SECRET}", "invalid_request"),
    "P2.9 Basic id is not the body's": ({"client_id": "app"}, f"machine:{SECRET}", "invalid_request"),
    "P2.9 no colon": ({}, "machine", "invalid_client"),
    "P2.9 no name": ({}, f":{SECRET}", "invalid_client"),
    "P2.9 an id with a NUL": ({}, f"machine%00:{SECRET}", "invalid_client"),
    "P2.9 another's secret name": ({}, f"nobody:{SECRET}", "invalid_client"),
    "P2.10 public client with Basic": ({}, "spa:x", "invalid_client"),
    "P2.10 public client with empty Basic": ({}, "spa:", "invalid_client"),
    "P2.10 public client with a secret": ({"client_id": "spa", "client_secret": "x"}, None, "invalid_client"),
    "P2.10 keys, but a secret": ({}, "signed:x", "invalid_client"),
    "P2.10 keys, but an empty secret": ({}, "signed:", "invalid_client"),
    "P2.10 keys, but a secret in the body": ({"client_id": "signed", "client_secret": "x"}, None, "invalid_client"),
    "P2.10 keys, but nothing": ({"client_id": "signed"}, None, "invalid_client"),
}


@pytest.mark.parametrize("name", WAYS)
@pytest.mark.parametrize("path", ["/oauth2/token", "/oauth2/revoke", "/oauth2/introspect", "/oauth2/par"])
def test_p2_9_and_10_a_client_that_is_not_proved(world: World, name: str, path: str) -> None:
    form, basic, error = WAYS[name]
    world.refuses(lambda: world.post(path, MACHINE | {"token": "x"} | form, basic), error, error)
    honest(world)


HEADERS = ["Bearer x", "Basic", "Basic !!!", "Digest x", "Basic /zp4", "Basic Og==", "basic"]


@pytest.mark.parametrize("header", HEADERS)
def test_p2_9_a_header_that_is_not_one_basic_header(world: World, header: str) -> None:
    world.refuses(lambda: world.post("/oauth2/token", MACHINE, Authorization=header), "invalid_client", "invalid_client", status=401)
    honest(world)


def test_p2_9_two_headers(world: World) -> None:
    value = "Basic " + base64.b64encode(f"machine:{SECRET}".encode()).decode()
    both = f"{value}, {value}"
    world.refuses(lambda: world.post("/oauth2/token", MACHINE, Authorization=both), "invalid_client", "invalid_client", status=401)


def test_p2_9_basic_is_percent_decoded(world: World) -> None:
    """RFC 6749 2.3.1: both halves are form-urlencoded before base64, so this is the very same client."""
    spelled = "".join(f"%{ord(char):02x}" for char in SECRET)
    assert world.post("/oauth2/token", MACHINE, f"%6Dachine:{spelled}").status_code == 200


@pytest.mark.parametrize("query", [f"client_secret={SECRET}", f"client_id=machine&client_secret={SECRET}", "client_assertion=x", "code=x"])
def test_p2_9_secrets_in_the_address(world: World, query: str) -> None:
    form = MACHINE | {"client_id": "machine"}
    world.refuses(lambda: world.post(f"/oauth2/token?{query}", form), "invalid_request", "invalid_request")
    world.refuses(lambda: world.post(f"/oauth2/token?{query}", MACHINE, f"machine:{SECRET}"), "invalid_request", "invalid_request")
    honest(world)


# --- P2.11: assertions -------------------------------------------------------------------------------------------------------------------


def claims(world: World, client_id: str = "signed", **changes: Any) -> dict[str, Any]:
    now = int(world.broker.clock.now().timestamp())
    honest = {
        "iss": client_id, "sub": client_id, "aud": world.broker.issuer(), "iat": now, "exp": now + 60, "jti": secrets.token_hex(8),
    }  # fmt: skip
    return {name: value for name, value in {**honest, **changes}.items() if value is not None}


def signed(world: World, payload: dict[str, Any], key: SigningKey | None = None, **header: Any) -> str:
    key = key or world.keys["signed"]
    return sign({"alg": key.alg, "kid": key.kid} | header, payload, key.key)


def present(world: World, assertion: str, **changes: str) -> TestResponse:
    """A refresh with a token that never was: past authentication it is an invalid_grant."""
    form = REFRESH | {"client_id": "signed", "client_assertion_type": TYPE, "client_assertion": assertion} | changes
    return world.post("/oauth2/token", {name: value for name, value in form.items() if value})


def accepted(world: World, assertion: str, **changes: str) -> None:
    assert present(world, assertion, **changes).get_json()["error"] == "invalid_grant"


def now(world: World) -> int:
    return int(world.broker.clock.now().timestamp())


Forge = Callable[[World], str]
CLAIMS: dict[str, Callable[[World], dict[str, Any]]] = {
    "aud wrong": lambda w: {"aud": "https://other.example"},
    "aud missing": lambda w: {"aud": None},
    "aud array": lambda w: {"aud": [w.broker.issuer()]},
    "aud two": lambda w: {"aud": [w.broker.issuer(), "https://evil.example"]},
    "aud token endpoint": lambda w: {"aud": w.url("/oauth2/token")},
    "aud with a slash": lambda w: {"aud": w.broker.issuer() + "/"},
    "aud other tenant": lambda w: {"aud": w.broker.issuer(OTHER_POOL)},
    "iss is not sub": lambda w: {"iss": "rival"},
    "sub is not iss": lambda w: {"sub": "rival"},
    "iss and sub of another": lambda w: {"iss": "cosigned", "sub": "cosigned"},
    "no iss": lambda w: {"iss": None},
    "no exp": lambda w: {"exp": None},
    "exp in a year": lambda w: {"exp": now(w) + 31_536_000},
    "exp past": lambda w: {"exp": now(w) - 1},
    "exp text": lambda w: {"exp": str(now(w) + 60)},
    "exp true": lambda w: {"exp": True},
    "iat tomorrow": lambda w: {"iat": now(w) + 86_400},
    "nbf tomorrow": lambda w: {"nbf": now(w) + 86_400},
    "no jti": lambda w: {"jti": None},
    "jti empty": lambda w: {"jti": ""},
    "jti number": lambda w: {"jti": 7},
    "jti long": lambda w: {"jti": "x" * 201},
}


@pytest.mark.parametrize("name", CLAIMS)
def test_p2_11_a_claim_that_is_not_right(world: World, name: str) -> None:
    assertion = signed(world, claims(world, **CLAIMS[name](world)))
    world.refuses(lambda: present(world, assertion), "invalid_client", "invalid_client", status=401)
    accepted(world, signed(world, claims(world)))


def _none(world: World) -> str:
    header, body = b64('{"alg": "none", "kid": "s1"}'), b64(json.dumps(claims(world)))
    return f"{header}.{body}."


def _hmac_with_public_key(world: World) -> str:
    text = b64('{"alg": "HS256", "kid": "s1"}') + "." + b64(json.dumps(claims(world)))
    return f"{text}.{b64(hmac.digest(world.keys['signed'].key.as_pem(private=False), text.encode(), 'sha256'))}"


FORGED: dict[str, Forge] = {
    "alg none": _none,
    "HS256 with the public key": _hmac_with_public_key,
    "HS256 with nothing": lambda w: sign({"alg": "HS256", "kid": "s1"}, claims(w), OctKey.import_key("k" * 32)),
    "PS256, registered RS256": lambda w: signed(w, claims(w), alg="PS256"),
    "RS512, registered RS256": lambda w: signed(w, claims(w), alg="RS512"),
    "key of another client": lambda w: signed(w, claims(w), w.keys["cosigned"]),
    "key of another client, own kid": lambda w: signed(w, claims(w), w.keys["cosigned"], kid="s1"),
    "unknown kid": lambda w: signed(w, claims(w), kid="s9"),
    "expired key": lambda w: signed(w, claims(w), w.keys["expired"]),
    "expired key, no kid": lambda w: sign({"alg": "ES256"}, claims(w), w.keys["expired"].key),
    "own key in the header": lambda w: signed(w, claims(w), (new := SigningKey.make("s1")), jwk=new.key.as_dict(private=False)),
    "bent": lambda w: signed(w, claims(w))[:-6] + "AAAAAA",
    "no signature": lambda w: signed(w, claims(w)).rpartition(".")[0] + ".",
    "crit": lambda w: signed(w, claims(w), crit=["x"], x=1),
}


@pytest.mark.parametrize("name", FORGED)
def test_p2_11_a_signature_that_is_not_the_clients(world: World, name: str) -> None:
    assertion = FORGED[name](world)
    world.refuses(lambda: present(world, assertion), "invalid_client", "invalid_client", status=401)
    accepted(world, signed(world, claims(world)))


NESTED = b64("[" * 20_000)
NONSENSE = ["x", "a.b.c", "...", "e30.e30.e30", "W10.e30.x", "eyJhbGciOltdfQ.e30.eA", f"{NESTED}.e30.x", f"e30.{NESTED}.x"]


@pytest.mark.parametrize("assertion", NONSENSE, ids=range(len(NONSENSE)))
@pytest.mark.parametrize("named", [True, False])
def test_p2_11_what_is_no_jwt(world: World, assertion: str, named: bool) -> None:
    changes = {} if named else {"client_id": ""}
    response = present(world, assertion, **changes)
    assert response.status_code in {400, 401}
    assert response.get_json()["error"] in {"invalid_client", "invalid_request"}
    assert world.audit()[-1]["outcome"] == "refused"


def test_p2_11_an_assertion_serves_once(world: World) -> None:
    assertion = signed(world, claims(world, jti="one-jti"))
    accepted(world, assertion)
    world.refuses(lambda: present(world, assertion), "invalid_client", "invalid_client", status=401)
    again = signed(world, claims(world, jti="one-jti"))
    world.refuses(lambda: present(world, again), "invalid_client", "invalid_client", status=401)
    elsewhere = signed(world, claims(world, "cosigned", jti="one-jti"), world.keys["cosigned"])
    accepted(world, elsewhere, client_id="cosigned")


@pytest.mark.parametrize("kind", ["", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer", TYPE + " "])
def test_p2_11_only_the_one_assertion_type(world: World, kind: str) -> None:
    assertion = signed(world, claims(world))
    world.refuses(lambda: present(world, assertion, client_assertion_type=kind), "invalid_client", "invalid_client", status=401)


def test_p2_11_a_client_with_a_secret_cannot_use_one(world: World) -> None:
    assertion = signed(world, claims(world, "machine"))
    form = MACHINE | {"client_id": "machine", "client_assertion_type": TYPE, "client_assertion": assertion}
    world.refuses(lambda: world.post("/oauth2/token", form), "invalid_client", "invalid_client")
    both = {"client_secret": SECRET} | form
    world.refuses(lambda: world.post("/oauth2/token", both), "invalid_request", "invalid_request")
    world.refuses(lambda: world.post("/oauth2/token", form, f"machine:{SECRET}"), "invalid_request", "invalid_request")


def test_p2_11_every_key_and_algorithm_that_is_registered_serves(world: World) -> None:
    for key in (world.keys["cosigned"], world.keys["curved"]):
        accepted(world, signed(world, claims(world, "cosigned"), key), client_id="cosigned")
    accepted(world, signed(world, claims(world)), client_id="")
    without_kid = sign({"alg": "ES256"}, claims(world, "cosigned"), world.keys["curved"].key)
    accepted(world, without_kid, client_id="cosigned")
    assert POOL in world.broker.issuer()
