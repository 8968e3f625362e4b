"""The OpenID token of an identity pool: what we sign opens, and nothing else does (spec D.5, attacks OA-R1)."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.hashes import SHA256, SHA512
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from broker.errors import InvalidToken
from broker.tokens import openid
from tests.fakes.access import POOL_A, POOL_B, Access

CLAIMS = {"sub": "eu-west-1:1", "aud": POOL_A}


@pytest.fixture(scope="module")
def access(tmp_path_factory: pytest.TempPathFactory) -> Access:
    folder: Path = tmp_path_factory.mktemp("openid")
    return Access.start(folder)


def b64(value: Any) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def forged(access: Access, pool: str = POOL_A, use: str = "openid", bits: int = 512, **header: Any) -> str:
    """Signed with a real key of ours; `header` are changes, None leaves a member out."""
    openid.sign(access.kit.base.keys, pool, CLAIMS)
    access.kit.base.keys.signer(pool, "id", "RS256")
    with access.kit.base.store.unit() as unit:
        key = next(key for key in unit.keys.list(pool) if key.use == use)
    head = {"kid": key.kid, "alg": "RS512", "typ": "JWS", **header}
    body = f"{b64({name: value for name, value in head.items() if value is not None})}.{b64(CLAIMS)}"
    private: Any = load_pem_private_key(key.private_pem.encode(), None)
    return f"{body}.{b64(private.sign(body.encode(), padding.PKCS1v15(), SHA512() if bits == 512 else SHA256()))}"


def test_what_was_signed_opens(access: Access) -> None:
    ring = access.kit.base.keys
    assert openid.open_token(ring, POOL_A, openid.sign(ring, POOL_A, CLAIMS)) == CLAIMS
    assert openid.open_token(ring, POOL_A, forged(access)) == CLAIMS


@pytest.mark.parametrize(
    "changes",
    [
        {"pool": POOL_B},
        {"use": "id"},
        {"bits": 256},
        {"bits": 256, "alg": "RS256"},
        {"alg": "none"},
        {"alg": "HS512"},
        {"typ": "JWT"},
        {"typ": None},
        {"kid": None},
        {"kid": "unknown"},
        {"kid": 7},
        {"crit": ["x"]},
        {"jwk": {}},
        {"b64": False},
    ],
    ids=str,
)
def test_nothing_else_does(access: Access, changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidToken):
        openid.open_token(access.kit.base.keys, POOL_A, forged(access, **changes))


@pytest.mark.parametrize("spoil", ["", "a.b", "a.b.c.d", "!.!.!"])
def test_what_is_no_token_does_not(access: Access, spoil: str) -> None:
    with pytest.raises(InvalidToken):
        openid.open_token(access.kit.base.keys, POOL_A, spoil)


def test_one_changed_letter_is_enough(access: Access) -> None:
    token = openid.sign(access.kit.base.keys, POOL_A, CLAIMS)
    for place in (5, token.index(".") + 5, len(token) - 5):
        changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        with pytest.raises(InvalidToken):
            openid.open_token(access.kit.base.keys, POOL_A, changed)
