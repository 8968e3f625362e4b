"""The master seal and the data keys under it."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.seal import DataKey, MasterSeal, SealBroken, digest, new_master_key, parse_keys

OLD, NEW = b"o" * 32, b"n" * 32


@given(st.text(max_size=50).filter(lambda text: text.isprintable()), st.binary(max_size=200))
def test_what_was_sealed_opens(context: str, plain: bytes) -> None:
    seal = MasterSeal([OLD])
    assert seal.open(context, seal.seal(context, plain)) == plain


def test_the_same_value_is_sealed_differently_each_time_and_shows_nothing() -> None:
    seal = MasterSeal([OLD])
    first, second = seal.seal("a", b"secret value"), seal.seal("a", b"secret value")
    assert first != second
    assert b"secret" not in first


def test_another_context_key_or_byte_does_not_open() -> None:
    seal = MasterSeal([OLD])
    sealed = seal.seal("record:client:eu:app1", b"secret")
    with pytest.raises(SealBroken):
        seal.open("record:client:eu:app2", sealed)
    with pytest.raises(SealBroken, match="not among ours"):
        MasterSeal([NEW]).open("record:client:eu:app1", sealed)
    for position in range(len(sealed)):
        broken = bytearray(sealed)
        broken[position] ^= 1
        with pytest.raises(SealBroken):
            seal.open("record:client:eu:app1", bytes(broken))
    for cut in range(len(sealed)):
        with pytest.raises(SealBroken):
            seal.open("record:client:eu:app1", sealed[:cut])


def test_the_newest_key_seals_and_all_open() -> None:
    before = MasterSeal([OLD]).seal("a", b"1")
    seal = MasterSeal([NEW, OLD])
    after = seal.seal("a", b"2")
    assert (seal.open("a", before), seal.open("a", after)) == (b"1", b"2")
    assert (seal.is_newest(before), seal.is_newest(after)) == (False, True)
    assert MasterSeal([NEW]).open("a", after) == b"2"
    assert len(set(seal.key_ids())) == 2


@pytest.mark.parametrize("keys", [[], [b"short"], [OLD, b"x" * 33]])
def test_a_seal_needs_whole_keys(keys: list[bytes]) -> None:
    with pytest.raises(ValueError):
        MasterSeal(keys)


def test_keys_are_read_as_base64_of_either_kind_newest_first() -> None:
    key = b"\xfb\xff" * 16
    standard, url = base64.b64encode(key).decode(), base64.urlsafe_b64encode(key).decode().rstrip("=")
    assert parse_keys(f"{standard}, {url}\n") == (key, key)
    assert parse_keys(base64.b64encode(NEW).decode() + "," + base64.b64encode(OLD).decode()) == (NEW, OLD)


@pytest.mark.parametrize("text", ["", "hush!hush", "c2hvcnQ=", base64.b64encode(OLD).decode() + ","])
def test_a_key_that_cannot_be_read_is_told_by_its_place_and_not_shown(text: str) -> None:
    with pytest.raises(ValueError, match=r"master key [12]") as caught:
        parse_keys(text)
    assert "hush" not in str(caught.value)


def test_a_data_key_opens_what_it_sealed_and_is_itself_sealed() -> None:
    seal = MasterSeal([new_master_key()])
    key, wrapped = DataKey.make(seal, "data-key:eu:sub")
    sealed = key.seal("evidence:1", b"bytes")
    again = DataKey.unwrap(seal, "data-key:eu:sub", wrapped)
    assert again.open("evidence:1", sealed) == b"bytes"
    with pytest.raises(SealBroken):
        again.open("evidence:2", sealed)
    with pytest.raises(SealBroken):
        again.open("evidence:1", sealed[:20])
    with pytest.raises(SealBroken):
        DataKey.unwrap(seal, "data-key:eu:other", wrapped)


def test_a_digest_is_of_one_length_whatever_it_is_of() -> None:
    assert digest("abc") == "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0"
    assert {len(digest(text)) for text in ("", "x" * 10_000, "\ud800", "\x00")} == {43}
