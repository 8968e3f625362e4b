"""The embedded issuer: what a role lets in, what the credentials say, and that no row is touched for them."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from broker.api_errors import InvalidPoolConfiguration
from broker.flows.sts.authorize_call import authorize_call
from broker.flows.sts.callers import caller_of
from broker.identitypool.issuers.embedded import EmbeddedIssuer
from broker.stores.settings import CachedSettings
from tests.fakes.access import ACCOUNT, COGNITO, GUEST, POOL_A, POOL_B, Access, allow, document, trust


@pytest.fixture(scope="module")
def access(tmp_path_factory: pytest.TempPathFactory) -> Access:
    return Access.start(tmp_path_factory.mktemp("embedded"))


def test_credentials_look_like_those_of_aws_and_hold_the_session(access: Access) -> None:
    arn = access.role("Plain", trust())
    grant = access.grant(arn)
    made = access.kit.credentials.issue(grant)
    assert isinstance(access.kit.credentials, EmbeddedIssuer)
    assert re.fullmatch(r"ASIA[A-Z2-7]{16}", made.access_key_id)
    assert re.fullmatch(r"[\w-]{40}", made.secret_access_key)
    assert timedelta(seconds=3590) < made.expires_at - access.kit.base.now() <= timedelta(hours=1)
    session, secret = access.kit.tokens.open(made.session_token)
    assert (session.access_key_id, secret) == (made.access_key_id, made.secret_access_key)
    assert session.role_arn == arn
    assert session.identity_id == grant.identity_id
    assert session.federated[f"{COGNITO}:sub"] == grant.identity_id
    assert made.secret_access_key not in repr(made)
    assert access.kit.credentials.issue(grant).access_key_id != made.access_key_id


def test_the_ttl_is_never_longer_than_the_role_allows(access: Access) -> None:
    arn = access.role("Brief", trust(), max_session=900)
    made = access.kit.credentials.issue(access.grant(arn))
    assert made.expires_at - access.kit.base.now() <= timedelta(seconds=900)


@pytest.mark.parametrize(
    ("trusts", "change"),
    [
        (trust(POOL_B), {}),
        (trust(POOL_A, "unauthenticated"), {}),
        (trust(), {"tags": {"team": "blue"}}),
        (trust(), {"source_identity": "alice"}),
        (trust(POOL_A, "authenticated", "sts:TagSession"), {"source_identity": "alice", "tags": {"team": "blue"}}),
        ("{}", {}),
    ],
    ids=["another pool", "guests only", "tags without TagSession", "source identity", "one of two", "unreadable"],
)
def test_a_role_that_does_not_let_the_sign_in_in_is_a_fault_of_the_configuration(
    access: Access, trusts: str, change: dict[str, Any]
) -> None:
    arn = access.role("Picky", trusts)
    with pytest.raises(InvalidPoolConfiguration) as refused:
        access.kit.credentials.issue(replace(access.grant(arn), **change))
    assert refused.value.public == "Invalid identity pool configuration. Check assigned IAM roles for this pool."
    access.change_role("Picky", trust=trust(POOL_A, "authenticated", "sts:TagSession", "sts:SetSourceIdentity"))
    assert access.kit.credentials.issue(replace(access.grant(arn), **change)).session_token


@pytest.mark.parametrize("gone", ["deleted", "disabled", "another path", "another account"])
def test_a_role_that_is_not_there_gives_nothing(access: Access, gone: str) -> None:
    arn = access.role(f"Gone{gone[0]}", trust())
    grant = access.grant(arn)
    assert access.kit.credentials.issue(grant).access_key_id
    name = arn.rpartition("/")[2]
    if gone == "deleted":
        with access.kit.base.store.unit() as unit:
            unit.roles.delete("iam", name)
        access.settle()
    elif gone == "disabled":
        access.change_role(name, enabled=False)
    elif gone == "another path":
        access.change_role(name, path="/team/")
    else:
        grant = replace(grant, role_arn=arn.replace("123456789012", "999999999999"))
    with pytest.raises(InvalidPoolConfiguration):
        access.kit.credentials.issue(grant)


def test_our_own_issuers_name_means_the_same_provider(access: Access) -> None:
    name = access.kit.identity_base.partition("://")[2] + "/" + POOL_A.partition(":")[2]
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": f"arn:aws:iam::123456789012:oidc-provider/{name}"},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {f"{name}:aud": POOL_A}, "ForAnyValue:StringLike": {f"{name}:amr": "authenticated"}},
    }
    arn = access.role("Alias", document(statement))
    assert access.kit.credentials.issue(access.grant(arn)).session_token
    with pytest.raises(InvalidPoolConfiguration):
        access.kit.credentials.issue(access.grant(arn, access.identity(POOL_B, 7), POOL_B))
    with pytest.raises(InvalidPoolConfiguration):
        access.kit.credentials.issue(access.grant(arn, amr=GUEST))


class Counting:
    """A store that counts what is asked of it."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.asked = 0

    def unit(self) -> Any:
        self.asked += 1
        return self._store.unit()

    def version(self, scope: str) -> int:
        self.asked += 1
        version: int = self._store.version(scope)
        return version


def test_no_row_is_read_or_written_once_the_settings_are_warm(tmp_path: Path) -> None:
    access = Access.start(tmp_path)
    access.broker.clock.freeze()
    arn = access.role("Warm", trust(), allow("reports:Get"))
    grant = access.grant(arn)
    store = Counting(access.kit.base.store)
    base = replace(access.kit.base, store=store, settings=CachedSettings(store, access.broker.clock))
    issuer = EmbeddedIssuer(ACCOUNT, access.kit.identity_base, base.settings, base.clock, base.random, access.kit.tokens)
    kit = replace(access.kit, base=base, credentials=issuer)

    def exchange() -> bool:
        made = issuer.issue(grant)
        found = caller_of(kit, made.access_key_id, made.session_token)
        assert found is not None
        return authorize_call(kit, found[0], "reports:Get", "arn:aws:reports:::q3").allowed

    assert exchange()
    assert store.asked
    store.asked = 0
    assert exchange()
    assert store.asked == 0
    access.settle()
    assert exchange()
    assert store.asked, "a second later the settings' version is looked up again"
