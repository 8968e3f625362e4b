"""Session tokens: what goes in comes out, for us alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.api_errors import InvalidSessionToken
from broker.identitypool.issuers.session_token import SessionTokens
from broker.model.sts import StsSession
from broker.seal.master import MasterSeal

SEAL = MasterSeal([b"k" * 32])
TOKENS = SessionTokens(SEAL)
NOW = datetime(2026, 11, 24, 12, 0, 0, 250_000, tzinfo=UTC)
words = st.text(max_size=40)


@given(tags=st.dictionaries(words, words, max_size=5), keys=st.dictionaries(words, words | st.lists(words, max_size=3).map(tuple)))
def test_what_is_sealed_comes_out(tags: dict[str, str], keys: dict[str, str | tuple[str, ...]]) -> None:
    session = StsSession(
        "ASIAAAAAAAAAAAAAAAAA", "arn:aws:iam::000000000000:role/r", "AROAX", "me", NOW, NOW + timedelta(hours=1), tags, federated=keys
    )
    assert TOKENS.open(TOKENS.seal(session, "s3cret")) == (session, "s3cret")


def a_token(tokens: SessionTokens = TOKENS) -> str:
    return tokens.seal(StsSession("ASIA", "arn", "AROA", "me", NOW, NOW), "s3cret")


def test_the_secret_does_not_show() -> None:
    assert "s3cret" not in a_token()


def foreign() -> str:
    return a_token(SessionTokens(MasterSeal([b"x" * 32])))


BROKEN = {"nothing": "", "short": "x", "not ASCII": "é", "long": "A" * 30_000, "cut": a_token()[:-4], "changed": "B" + a_token()[1:]}


@pytest.mark.parametrize("token", [*BROKEN.values(), foreign()], ids=[*BROKEN, "foreign"])
def test_what_is_not_ours_is_refused(token: str) -> None:
    with pytest.raises(InvalidSessionToken):
        TOKENS.open(token)


def test_what_was_sealed_for_something_else_is_refused() -> None:
    import base64

    other = base64.urlsafe_b64encode(SEAL.seal("key", b"{}")).decode()
    with pytest.raises(InvalidSessionToken):
        TOKENS.open(other)
