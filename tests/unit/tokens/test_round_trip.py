"""What we issue, an independent verifier takes, and so do we; what anybody else makes of it, nobody does."""

from __future__ import annotations

from dataclasses import replace

import jwt
import pytest

from broker.errors import InvalidToken
from tests.unit.tokens.keyroom import CLIENT, URL, KeyRoom

ALGS = ("RS256", "ES256", "EdDSA")


@pytest.fixture(scope="module")
def room() -> KeyRoom:
    return KeyRoom()


def read(room: KeyRoom, token: str, alg: str, audience: str | None = None) -> dict[str, object]:
    keys = jwt.PyJWKSet.from_dict(room.ring.jwks("eu_one"))
    key = keys[jwt.get_unverified_header(token)["kid"]]
    options = {"verify_exp": False, "verify_iat": False, "verify_aud": audience is not None}
    return jwt.decode(token, key, algorithms=[alg], audience=audience, issuer=f"{URL}/eu_one", options=options)


@pytest.mark.parametrize("alg", ALGS)
def test_pyjwt_takes_our_tokens_with_nothing_but_the_jwks(room: KeyRoom, alg: str) -> None:
    tokens = room.issuer.issue(room.ask(client=replace(CLIENT, signing_alg=alg)))
    assert tokens.id_token is not None
    identity = read(room, tokens.id_token, alg, audience="app1")
    access = read(room, tokens.access_token, alg)
    assert (identity["token_use"], access["token_use"]) == ("id", "access")
    assert jwt.get_unverified_header(tokens.id_token) == {"kid": jwt.get_unverified_header(tokens.id_token)["kid"], "alg": alg}
    assert jwt.get_unverified_header(tokens.id_token)["kid"] != jwt.get_unverified_header(tokens.access_token)["kid"]


@pytest.mark.parametrize("alg", ALGS)
def test_we_take_our_tokens_for_their_own_use_only(room: KeyRoom, alg: str) -> None:
    tokens = room.issuer.issue(room.ask(client=replace(CLIENT, signing_alg=alg)))
    assert tokens.id_token is not None
    access = room.verifier.verify("eu_one", tokens.access_token)
    identity = room.verifier.verify("eu_one", tokens.id_token, "id", client_id="app1")
    assert access.sub == identity.sub
    assert (access.family, identity.sid, access.username) == ("family-1", "session-1", "MySAML_ada@example.com")
    assert access.scopes == {"openid", "email", "profile"}
    for token, use in ((tokens.id_token, "access"), (tokens.access_token, "id")):
        with pytest.raises(InvalidToken):
            room.verifier.verify("eu_one", token, use)  # type: ignore[arg-type]
    with pytest.raises(InvalidToken):
        room.verifier.verify("eu_two", tokens.access_token)
    with pytest.raises(InvalidToken):
        room.verifier.verify("eu_one", tokens.access_token, client_id="app2")


def test_a_token_ends_on_its_second_and_a_hint_may_be_older() -> None:
    room = KeyRoom()
    tokens = room.issuer.issue(room.ask())
    assert tokens.id_token is not None
    room.clock.turn(seconds=3599.9)
    assert room.verifier.verify("eu_one", tokens.id_token, "id").client_id == "app1"
    room.clock.turn(seconds=0.1)
    with pytest.raises(InvalidToken, match="expired"):
        room.verifier.verify("eu_one", tokens.id_token, "id")
    assert room.verifier.verify_hint("eu_one", tokens.id_token).sid == "session-1"
    with pytest.raises(InvalidToken):
        room.verifier.verify_hint("eu_one", tokens.access_token)
