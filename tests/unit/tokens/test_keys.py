"""The life of keys: made once, published before use, retired after it, revoked at once; and what the JWKS shows meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from broker.errors import InvalidToken
from broker.tokens.generate import make_key
from broker.tokens.jws import public_jwk
from broker.tokens.rotate import KeyKeeper
from tests.unit.tokens.keyroom import CLIENT, NOW, KeyRoom

PRIVATE_MEMBERS = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}


@pytest.fixture
def room() -> KeyRoom:
    return KeyRoom()


@pytest.fixture
def keeper(room: KeyRoom) -> KeyKeeper:
    return KeyKeeper(room.store, room.clock)  # type: ignore[arg-type]


def kids(room: KeyRoom) -> set[str]:
    return {key["kid"] for key in room.ring.jwks("eu_one")["keys"]}


def test_the_jwks_shows_public_parts_of_separate_keys(room: KeyRoom, keeper: KeyKeeper) -> None:
    keeper.ensure("eu_one", ("RS256", "ES256", "EdDSA"))
    room.ring.key_pairs("eu_one", "saml_signing")
    keys = room.ring.jwks("eu_one")["keys"]
    assert len(keys) == 12  # id and access, three algorithms, current and next; the SAML key is nobody's business here
    for key in keys:
        assert not PRIVATE_MEMBERS & key.keys()
        assert (key["use"], key["alg"] in {"RS256", "ES256", "EdDSA"}, bool(key["kid"])) == ("sig", True, True)
    assert len({key["kid"] for key in keys}) == 12
    assert len(jwt.PyJWKSet.from_dict({"keys": keys}).keys) == 12


def test_a_pool_has_its_keys_before_the_first_sign_in(room: KeyRoom) -> None:
    shown = kids(room)
    assert {room.ring.signer("eu_one", use, "RS256").kid for use in ("id", "access")} == shown  # type: ignore[arg-type]
    assert room.store.states("id") == {"current": 1}
    assert kids(room) == shown


def test_saml_keys_come_with_ten_year_certificates(room: KeyRoom) -> None:
    pair = room.ring.key_pairs("eu_one", "saml_signing")[0]
    certificate = x509.load_pem_x509_certificate(pair.certificate_pem.encode())
    assert certificate.not_valid_before_utc < NOW
    assert certificate.not_valid_after_utc - NOW >= timedelta(days=3650)
    key = load_pem_private_key(pair.private_pem.encode(), None)
    assert public_jwk(certificate.public_key()) == public_jwk(key.public_key())  # type: ignore[arg-type]
    assert room.ring.key_pairs("eu_one", "saml_decryption")[0].kid != pair.kid


def test_saml_keys_are_listed_current_first(room: KeyRoom, keeper: KeyKeeper) -> None:
    first = room.ring.key_pairs("eu_one", "saml_decryption")[0].kid
    keeper.ensure("eu_one", uses=("saml_decryption",))
    second = keeper.rotate("eu_one", "saml_decryption")
    listed = [pair.kid for pair in room.ring.key_pairs("eu_one", "saml_decryption")]
    assert (len(listed), listed[0], listed[2]) == (3, second, first)


def test_rotation_keeps_old_tokens_valid_and_promotes_what_was_published(room: KeyRoom, keeper: KeyKeeper) -> None:
    keeper.ensure("eu_one")
    published = kids(room)
    old = room.issuer.issue(room.ask()).access_token
    now_signing = keeper.rotate("eu_one", "access")
    assert now_signing in published
    assert room.ring.signer("eu_one", "access", "RS256").kid == now_signing
    assert room.verifier.verify("eu_one", old).sub
    assert room.store.states("access") == {"current": 1, "next": 1, "retired": 1}


def test_a_revoked_key_is_gone_at_once_and_replaced(room: KeyRoom, keeper: KeyKeeper) -> None:
    keeper.ensure("eu_one")
    token = room.issuer.issue(room.ask()).access_token
    stolen = room.ring.signer("eu_one", "access", "RS256").kid
    assert keeper.revoke("eu_one", stolen) is True
    assert stolen not in kids(room)
    assert room.store.rows[stolen].private_pem == ""
    with pytest.raises(InvalidToken):
        room.verifier.verify("eu_one", token)
    assert room.verifier.verify("eu_one", room.issuer.issue(room.ask()).access_token).sub
    assert keeper.revoke("eu_one", stolen) is False
    assert keeper.revoke("eu_two", room.ring.signer("eu_one", "access", "RS256").kid) is False


@pytest.mark.parametrize("state", ["next", "retired"])
def test_a_key_that_does_not_sign_can_be_revoked_too(room: KeyRoom, keeper: KeyKeeper, state: str) -> None:
    keeper.ensure("eu_one")
    keeper.rotate("eu_one", "id")
    doomed = next(key for key in room.store.list("eu_one") if key.use == "id" and key.state == state)
    assert keeper.revoke("eu_one", doomed.kid)
    assert doomed.kid not in kids(room)
    left = {"current": 1, "next": 1, "retired": 1} if state == "next" else {"current": 1, "next": 1}
    assert room.store.states("id") == left | {"revoked": 1}


def test_without_a_next_key_rotation_and_revocation_still_leave_both(room: KeyRoom, keeper: KeyKeeper) -> None:
    first = room.ring.signer("eu_one", "id", "ES256").kid
    second = keeper.rotate("eu_one", "id", "ES256")
    assert room.store.states("id", "ES256") == {"current": 1, "next": 1, "retired": 1}
    only = make_key("eu_two", "id", "ES256", "current", NOW)
    room.store.put(only)
    assert keeper.revoke("eu_two", only.kid)
    assert room.store.states("id", "ES256", "eu_two") == {"current": 1, "next": 1, "revoked": 1}
    assert first != second


def test_the_worker_rotates_on_the_day_and_ends_keys_after_their_last_token(room: KeyRoom, keeper: KeyKeeper) -> None:
    signing = room.ring.signer("eu_one", "id", "ES256").kid
    room.ring.key_pairs("eu_one", "saml_signing")
    room.clock.turn(days=89)
    assert keeper.run_due() == 2  # next keys, published in good time
    assert keeper.run_due() == 0
    room.clock.turn(days=1)
    assert keeper.run_due() == 1
    assert room.store.rows[signing].state == "retired"
    assert room.store.states("saml_signing") == {"current": 1, "next": 1}  # partners pin it: only the operator rotates
    token_end = room.clock.now() + timedelta(days=1)
    room.clock.turn(days=1)
    assert signing in kids(room)
    assert token_end <= room.clock.now()
    room.clock.turn(hours=1)
    keeper.run_due()
    assert signing not in kids(room)
    assert room.store.rows[signing].private_pem == ""


def test_a_next_key_is_never_used_before_verifiers_have_seen_it_for_a_day(room: KeyRoom, keeper: KeyKeeper) -> None:
    signing = room.ring.signer("eu_one", "id", "ES256").kid
    room.clock.turn(days=200)
    assert keeper.run_due() == 1  # only published
    room.clock.turn(hours=23, minutes=59)
    assert keeper.run_due() == 0
    assert room.ring.signer("eu_one", "id", "ES256").kid == signing
    room.clock.turn(minutes=1)
    assert keeper.run_due() == 1
    assert room.ring.signer("eu_one", "id", "ES256").kid != signing


def test_a_worker_with_stale_settings_signs_and_verifies_all_the_same(room: KeyRoom) -> None:
    room.settings.freeze()
    token = room.issuer.issue(room.ask(client=replace(CLIENT, signing_alg="ES256"))).access_token
    assert room.verifier.verify("eu_one", token).sub
    assert len(kids(room)) == 4
    another = room.fresh_ring()
    kid = jwt.get_unverified_header(token)["kid"]
    assert another.verifier("eu_one", kid) is not None
    assert another.signer("eu_one", "access", "ES256").kid == kid


def test_made_up_kids_do_not_become_queries(room: KeyRoom) -> None:
    room.ring.jwks("eu_one")
    room.clock.turn(seconds=10)
    before = room.store.opened
    assert {room.ring.verifier("eu_one", f"made-up-{number}") for number in range(1000)} == {None}
    assert room.store.opened - before <= 10
    room.clock.turn(seconds=10)
    assert room.ring.verifier("eu_one", "made-up") is None


def test_an_algorithm_that_we_lack_is_a_value_error(room: KeyRoom) -> None:
    with pytest.raises(ValueError, match="HS256"):
        room.ring.signer("eu_one", "id", "HS256")


def at_once(count: int, work: Callable[[], object]) -> list[object]:
    gate = threading.Barrier(count)
    answers: list[object] = []

    def run() -> None:
        gate.wait()
        answers.append(work())

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_many_workers_at_once_make_one_key(room: KeyRoom) -> None:
    rings = [room.fresh_ring() for _ in range(8)]
    answers = at_once(8, lambda: rings.pop().signer("eu_one", "id", "ES256").kid)
    assert (len(answers), len(set(answers))) == (8, 1)
    assert room.store.states("id", "ES256") == {"current": 1}


def test_many_workers_at_once_rotate_once(room: KeyRoom, keeper: KeyKeeper) -> None:
    keeper.ensure("eu_one", ("ES256",), ("id",))
    room.clock.turn(days=91)
    changes = at_once(8, keeper.run_due)
    assert sum(int(str(change)) for change in changes) == 1
    assert room.store.states("id", "ES256") == {"current": 1, "next": 1, "retired": 1}


def test_many_workers_at_once_revoke_once(room: KeyRoom, keeper: KeyKeeper) -> None:
    keeper.ensure("eu_one", ("ES256",), ("id",))
    doomed = room.ring.signer("eu_one", "id", "ES256").kid
    answers = at_once(8, lambda: keeper.revoke("eu_one", doomed))
    assert answers.count(True) == 1
    assert room.store.states("id", "ES256") == {"current": 1, "next": 1, "revoked": 1}


def test_a_revocation_that_lands_between_look_and_write_is_not_undone(
    room: KeyRoom, keeper: KeyKeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rotation that still sees the key as current writes it back as retired; the rule of one next key then undoes all that it wrote."""
    keeper.ensure("eu_one", ("ES256",), ("id",))
    doomed = room.ring.signer("eu_one", "id", "ES256").kid
    seen_before = room.store.list("eu_one")
    keeper.revoke("eu_one", doomed)
    looks = iter([seen_before, seen_before])
    really = room.store.list
    monkeypatch.setattr(room.store, "list", lambda pool_id: next(looks, None) or really(pool_id))
    keeper.rotate("eu_one", "id", "ES256")
    assert next(looks, None) is None
    assert room.store.rows[doomed].state == "revoked"
    assert room.store.states("id", "ES256") == {"current": 1, "next": 1, "retired": 1, "revoked": 1}
