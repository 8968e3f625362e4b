"""Credentials of another STS: what it is asked, how often, and what becomes of its answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.api_errors import ExternalService, InvalidPoolConfiguration
from broker.errors import BrokerError, RateLimited
from broker.identitypool.assume import pool_issuer
from broker.identitypool.issuers.sts import StsIssuer
from broker.identitypool.issuers.sts_reply import Failure, read_reply
from broker.model.sts import Credentials
from metadata.fetch import Fetcher
from tests.fakes.access import POOL_A, Access, allow, document
from tests.fakes.sts_server import StsServer, credentials, error

ROLE = "arn:aws:iam::999988887777:role/Theirs"


@pytest.fixture(scope="module")
def access(tmp_path_factory: pytest.TempPathFactory) -> Access:
    return Access.start(tmp_path_factory.mktemp("issuer"))


@pytest.fixture(scope="module")
def server(access: Access) -> Iterator[StsServer]:
    def keys() -> dict[str, Any]:
        return {key["kid"]: jwt.PyJWK(key, algorithm="RS512") for key in access.kit.base.keys.openid_jwks(POOL_A)["keys"]}

    made = StsServer(pool_issuer(access.kit.identity_base, POOL_A), keys, POOL_A)
    yield made
    made.close()


@pytest.fixture
def pauses(server: StsServer) -> list[float]:
    server.failures.clear()
    server.forms.clear()
    return []


@pytest.fixture
def issuer(access: Access, server: StsServer, pauses: list[float]) -> StsIssuer:
    fetch = Fetcher(("127.0.0.0/8",))
    return StsIssuer(server.url, fetch, access.kit.base.clock, pause=pauses.append, jitter=lambda: 1.0)


def test_it_is_asked_with_the_pools_own_token_and_its_keys_verify_it(access: Access, server: StsServer, issuer: StsIssuer) -> None:
    made = issuer.issue(replace(access.grant(ROLE), ttl=1800, policy_arns=("arn:aws:iam::aws:policy/ReadOnlyAccess",)))
    assert made.access_key_id == "ASIATHEIRTHEIRTHEIR2"
    assert made.expires_at > access.kit.base.now()
    (form,) = server.forms
    assert form.pop("WebIdentityToken").count(".") == 2
    assert form == {
        "Action": "AssumeRoleWithWebIdentity",
        "Version": "2011-06-15",
        "RoleArn": ROLE,
        "RoleSessionName": "CognitoIdentityCredentials",
        "DurationSeconds": "1800",
        "PolicyArns.member.1.arn": "arn:aws:iam::aws:policy/ReadOnlyAccess",
    }


def test_several_session_policies_become_one_with_all_their_statements(access: Access, server: StsServer, issuer: StsIssuer) -> None:
    policies = (document(allow("s3:Get*")), json.dumps({"Version": "2012-10-17", "Statement": allow("sqs:*")}))
    issuer.issue(replace(access.grant(ROLE), session_policies=policies))
    sent = json.loads(server.forms[0]["Policy"])
    assert [each["Action"] for each in sent["Statement"]] == [["s3:Get*"], ["sqs:*"]]
    with pytest.raises(InvalidPoolConfiguration):
        issuer.issue(replace(access.grant(ROLE), session_policies=(*policies, document(allow("x:" + "y" * 2000)))))
    with pytest.raises(InvalidPoolConfiguration):
        issuer.issue(replace(access.grant(ROLE), session_policies=(*policies, json.dumps({"Statement": allow("sqs:*")}))))


AWAY = (503, "<html>away</html>")


@pytest.mark.parametrize(
    "failures",
    [
        [AWAY],
        [None, error("Throttling", "Rate exceeded", 400)],
        [error("IDPCommunicationError", "keys", 400), (500, "")],
        [(429, "slow down"), error("RequestTimeout", "late", 408)],
    ],
    ids=["away", "dropped, throttled", "keys, internal", "429, timeout"],
)
def test_what_another_try_can_help_is_tried_thrice_with_growing_pauses(
    access: Access, server: StsServer, issuer: StsIssuer, pauses: list[float], failures: list[Any]
) -> None:
    server.failures.extend(failures)
    assert issuer.issue(access.grant(ROLE)).secret_access_key.startswith("their/")
    assert pauses == [1.0, 2.0][: len(failures)]
    assert len(server.forms) == len(failures) + 1


@pytest.mark.parametrize(
    ("failures", "kind", "calls"),
    [
        ([AWAY] * 3, ExternalService, 3),
        ([None] * 3, ExternalService, 3),
        ([error("Throttling", "Rate exceeded", 400)] * 3, RateLimited, 3),
        ([error("AccessDenied", "no", 403)], InvalidPoolConfiguration, 1),
        ([error("InvalidIdentityToken", "No OpenIDConnect provider found", 400)], InvalidPoolConfiguration, 1),
        ([error("ValidationError", "too long", 400)], InvalidPoolConfiguration, 1),
        ([error("SomethingNew", "?", 400)], ExternalService, 1),
        ([(404, "not here")], ExternalService, 1),
        ([(302, "")], ExternalService, 1),
        ([(200, "{}")], ExternalService, 1),
        ([(200, credentials(-60))], ExternalService, 1),
        ([(200, credentials(SessionToken=""))], ExternalService, 1),
        ([(200, credentials(Expiration="soon"))], ExternalService, 1),
        ([(200, credentials(AccessKeyId="a b"))], ExternalService, 1),
        ([(200, "<!DOCTYPE x [<!ENTITY e 'x'>]>" + credentials())], ExternalService, 1),
        ([(200, credentials() + " " * 300_000)], ExternalService, 1),
    ],
)
def test_every_failure_is_a_documented_error(
    access: Access, server: StsServer, issuer: StsIssuer, failures: list[Any], kind: type[BrokerError], calls: int
) -> None:
    server.failures.extend(failures)
    with pytest.raises(kind) as refused:
        issuer.issue(access.grant(ROLE))
    assert type(refused.value) is kind
    assert len(server.forms) == calls
    assert server.forms[0]["WebIdentityToken"] not in refused.value.private


def test_its_refusal_of_a_guest_is_ours(access: Access, issuer: StsIssuer) -> None:
    with pytest.raises(InvalidPoolConfiguration) as refused:
        issuer.issue(access.grant(ROLE, amr=("unauthenticated",)))
    assert "AccessDenied" in refused.value.private
    assert issuer.issue(access.grant(ROLE)).access_key_id


def test_an_address_that_the_operator_did_not_allow_is_not_reached(access: Access, server: StsServer, pauses: list[float]) -> None:
    issuer = StsIssuer(server.url, Fetcher(), access.kit.base.clock, pause=pauses.append)
    with pytest.raises(ExternalService):
        issuer.issue(access.grant(ROLE))
    assert not server.forms
    assert not pauses


def test_no_further_try_begins_when_somebody_has_waited_long_enough(access: Access, server: StsServer) -> None:
    server.failures.extend([AWAY] * 3)
    server.forms.clear()
    issuer = StsIssuer(server.url, Fetcher(("127.0.0.0/8",)), access.kit.base.clock, pause=lambda _: None, jitter=lambda: 1000.0)
    with pytest.raises(ExternalService):
        issuer.issue(access.grant(ROLE))
    assert len(server.forms) == 1
    server.failures.clear()


@given(st.sampled_from([200, 400, 500]), st.binary(max_size=300) | st.text(alphabet="<>/CredntialsEro ", max_size=200).map(str.encode))
def test_no_answer_makes_the_reader_raise(status: int, body: bytes) -> None:
    assert isinstance(read_reply(status, body), Failure)


def test_an_answer_without_namespace_is_read_too() -> None:
    bare = credentials().replace(' xmlns="https://sts.amazonaws.com/doc/2011-06-15/"', "")
    assert isinstance(read_reply(200, bare.encode()), Credentials)
    doubled = bare.replace("<Credentials>", "<Credentials/><Credentials>", 1)
    assert isinstance(read_reply(200, doubled.encode()), Failure)
