"""Keys of an issuer whose tokens are only verified: a thin discovery document is enough, and it cannot lead us elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from metadata.cache import TrustCache
from metadata.errors import DocumentInvalid, FetchFailed, FetchRefused, TrustError
from metadata.fetch import Fetcher
from metadata.oidc.issuer import IssuerKeys
from tests.fakes.oidc_op import FakeOp

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def op() -> Iterator[FakeOp]:
    with FakeOp() as made:
        yield made


@pytest.fixture
def keys(op: FakeOp) -> IssuerKeys:
    op.reset()
    return IssuerKeys(Fetcher(("127.0.0.0/8",)), TrustCache(), op.issuer, operator_declared=True)


def test_issuer_and_jwks_uri_are_all_it_takes(op: FakeOp, keys: IssuerKeys) -> None:
    op.forge.discovery = lambda document: {name: document[name] for name in ("issuer", "jwks_uri")}
    (found,) = keys.find(op.key.kid, "RS256", NOW)
    assert found.kid == op.key.kid
    asked = len(op.seen)
    assert keys.find(op.key.kid, "RS256", NOW + timedelta(minutes=9))
    assert len(op.seen) == asked, "remembered for ten minutes"


def test_an_unknown_kid_causes_one_fetch_and_not_a_thousand(op: FakeOp, keys: IssuerKeys) -> None:
    assert keys.find(op.key.kid, "RS256", NOW)
    asked = len(op.seen)
    for number in range(20):
        assert not keys.find(f"made-up-{number}", "RS256", NOW)
    assert len(op.seen) == asked + 1


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"issuer": "https://other.example"}, DocumentInvalid),
        ({"issuer": None}, DocumentInvalid),
        ({"jwks_uri": None}, DocumentInvalid),
        ({"jwks_uri": "file:///etc/passwd"}, DocumentInvalid),
        ({"jwks_uri": "http://127.0.0.1:9/jwks"}, DocumentInvalid),
        ({"jwks_uri": "https://127.0.0.1/jwks"}, FetchRefused),
    ],
)
def test_a_document_that_lies_or_leads_inside_is_refused(
    op: FakeOp, keys: IssuerKeys, change: dict[str, Any], kind: type[TrustError]
) -> None:
    op.forge.discovery = lambda document: {**document, **change}
    with pytest.raises(kind):
        keys.find(op.key.kid, "RS256", NOW)


def test_only_the_operator_may_name_one_inside_or_without_tls(op: FakeOp) -> None:
    by_api = IssuerKeys(Fetcher(("127.0.0.0/8",)), TrustCache(), op.issuer)
    with pytest.raises(DocumentInvalid):
        by_api.find(op.key.kid, "RS256", NOW)
    with pytest.raises(FetchFailed):
        IssuerKeys(Fetcher(("127.0.0.0/8",)), TrustCache(), "http://127.0.0.1:9", operator_declared=True).find(None, "RS256", NOW)
