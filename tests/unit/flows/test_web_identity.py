"""AssumeRoleWithWebIdentity: tokens of our identity pools, of registered issuers, of our user pools (spec E.4, F.4)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from broker.api_errors import (
    ExpiredIdentityToken,
    IdpCommunication,
    InvalidIdentityToken,
    NotAllowed,
    PackedPolicyTooLarge,
    ValidationFailed,
)
from broker.errors import BrokerError, MalformedPolicy
from broker.flows.sts.authorize_call import authorize_call
from tests.fakes.access import ACCOUNT, POOL_A, Access, allow, document, trust, trust_of
from tests.fakes.broker import POOL
from tests.fakes.oidc_op import FakeOp, SigningKey, sign

TAGS = "https://aws.amazon.com/tags"
SOURCE = "https://aws.amazon.com/source_identity"
WEB = "sts:AssumeRoleWithWebIdentity"


@pytest.fixture(scope="module")
def op() -> Iterator[FakeOp]:
    with FakeOp() as made:
        yield made


@pytest.fixture(scope="module")
def access(tmp_path_factory: pytest.TempPathFactory, op: FakeOp) -> Access:
    more = "".join(
        f'\n[[oidc_provider]]\nissuer = "{issuer}"\nclient_ids = ["mobile", "app"]\n'
        for issuer in (op.issuer, f"http://localhost:8080/{POOL}", "http://127.0.0.1:9")
    )
    return Access.start(tmp_path_factory.mktemp("web"), more, op.issuer)


@pytest.fixture
def role(access: Access, op: FakeOp) -> str:
    """A role for everybody of the registered issuers, tags and source identity included."""
    principals = [f"arn:aws:iam::{ACCOUNT}:oidc-provider/{name}" for name in (op.issuer[7:], f"localhost:8080/{POOL}", "127.0.0.1:9")]
    statement = {"Effect": "Allow", "Principal": {"Federated": principals}, "Action": [WEB, "sts:TagSession", "sts:SetSourceIdentity"]}
    return access.role("Web", document(statement), allow("reports:Get"))


def theirs(access: Access, op: FakeOp, signer: SigningKey | None = None, **claims: Any) -> str:
    now = int(access.kit.base.now().timestamp())
    said = {"iss": op.issuer, "sub": "ada", "aud": "mobile", "iat": now, "exp": now + 300, **claims}
    signer = signer or op.key
    return sign({"alg": signer.alg, "kid": signer.kid}, {name: value for name, value in said.items() if value is not None}, signer.key)


def test_an_identity_of_ours_gets_a_session_that_says_whose_it_is(access: Access) -> None:
    arn = access.role("Mine", trust(), allow("reports:Get", StringEquals={"cognito-identity.amazonaws.com:aud": POOL_A}))
    who = access.identity()
    got = access.assume(arn, access.token(who), duration=900)
    assert got.subject == who
    assert got.audience == POOL_A
    assert got.provider == f"{access.kit.identity_base}/{POOL_A.partition(':')[2]}"
    assert got.assumed.arn == f"arn:aws:sts::{ACCOUNT}:assumed-role/Mine/app"
    assert got.assumed.assumed_role_id.endswith(":app")
    assert got.assumed.credentials.expires_at - access.kit.base.now() <= timedelta(seconds=900)
    caller = access.caller(got.assumed.credentials)
    assert caller.session is not None
    assert caller.session.identity_id == who
    assert authorize_call(access.kit, caller, "reports:Get", "arn:aws:reports:::q3").allowed
    issued = access.audited("credentials.issued")[-1]
    assert issued["detail"]["access_key"] == got.assumed.credentials.access_key_id
    assert got.assumed.credentials.secret_access_key not in str(issued)


@pytest.mark.parametrize("alg", ["RS256", "ES256", "ES384", "ES512"])
def test_a_registered_issuer_is_trusted_by_its_published_keys(access: Access, op: FakeOp, role: str, alg: str) -> None:
    signer = SigningKey.make(f"key-{alg}", alg)
    op.keys = [*op.keys, signer]
    access.broker.clock.advance(minutes=11)
    got = access.assume(role, theirs(access, op, signer))
    assert (got.subject, got.audience, got.provider) == ("ada", "mobile", op.issuer)


def test_a_user_pool_of_ours_is_one_as_well_and_is_not_asked_over_the_network(access: Access, role: str) -> None:
    browser = access.broker.browser()
    flow, sent = access.broker.begin(browser, identity_provider="corp")
    code = access.broker.code_of(flow, access.broker.post_acs(browser, access.broker.saml_answer(sent)))
    token = access.broker.redeem(flow, code).get_json()["id_token"]
    assert access.assume(role, token).audience == "app"
    access.broker.clock.advance(hours=2)
    with pytest.raises(ExpiredIdentityToken):
        access.assume(role, token)


def test_azp_counts_before_aud_and_both_are_context_keys(access: Access, op: FakeOp) -> None:
    name = op.issuer[7:]
    wanted = {"StringEquals": {f"{name}:aud": "mobile", f"{name}:oaud": "backend", f"{name}:sub": "ada"}}
    statement = {"Effect": "Allow", "Principal": {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{name}"}, "Action": WEB}
    arn = access.role("Azp", document({**statement, "Condition": wanted}))
    assert access.assume(arn, theirs(access, op, azp="mobile", aud="backend")).audience == "mobile"
    with pytest.raises(NotAllowed):
        access.assume(arn, theirs(access, op, aud="mobile"))
    with pytest.raises(InvalidIdentityToken) as refused:
        access.assume(arn, theirs(access, op, azp="stranger", aud="mobile"))
    assert refused.value.public == "Incorrect token audience"


@pytest.mark.parametrize(
    ("claims", "kind", "words"),
    [
        ({"aud": "other"}, InvalidIdentityToken, "Incorrect token audience"),
        ({"aud": None}, InvalidIdentityToken, "not a valid JWT"),
        ({"aud": ["other", "mobile"], "azp": 7}, InvalidIdentityToken, "not a valid JWT"),
        ({"iss": "https://elsewhere.example"}, InvalidIdentityToken, "No OpenIDConnect provider found in your account for https://else"),
        ({"iss": None}, InvalidIdentityToken, "not a valid JWT"),
        ({"sub": None}, InvalidIdentityToken, "Missing a required claim: sub"),
        ({"exp": 1}, ExpiredIdentityToken, "Token expired"),
        ({"exp": None}, InvalidIdentityToken, "not a valid JWT"),
        ({"nbf": 2**33}, InvalidIdentityToken, "not a valid JWT"),
        ({"iat": "now"}, InvalidIdentityToken, "not a valid JWT"),
        ({"iss": "http://127.0.0.1:9"}, IdpCommunication, ""),
        ({TAGS: "team"}, InvalidIdentityToken, "malformed"),
        ({TAGS: {"principal_tags": {"a": ["x", "y"]}}}, InvalidIdentityToken, "malformed"),
        ({TAGS: {"principal_tags": {"a": 1}}}, InvalidIdentityToken, "malformed"),
        ({TAGS: {"principal_tags": {"aws:x": "y"}}}, ValidationFailed, "reserved"),
        ({TAGS: {"principal_tags": {"Team": "x", "team": "y"}}}, ValidationFailed, "Duplicate"),
        ({TAGS: {"principal_tags": {"a": "b"}, "transitive_tag_keys": ["c"]}}, ValidationFailed, "transitive"),
        ({SOURCE: "a b"}, InvalidIdentityToken, "malformed"),
        ({SOURCE: ["ada"]}, InvalidIdentityToken, "malformed"),
    ],
)
def test_a_token_that_does_not_hold_is_refused_in_the_words_of_sts(
    access: Access, op: FakeOp, role: str, claims: dict[str, Any], kind: type[BrokerError], words: str
) -> None:
    assert access.assume(role, theirs(access, op)).subject == "ada"
    with pytest.raises(kind) as refused:
        access.assume(role, theirs(access, op, **claims))
    assert type(refused.value) is kind
    assert words in refused.value.public


@pytest.mark.parametrize("spoil", ["signature", "stranger's key", "none", "HS256", "text", "long"])
def test_a_forged_token_is_refused(access: Access, op: FakeOp, role: str, spoil: str) -> None:
    good = theirs(access, op)
    head, body, signature = good.split(".")
    forged = {
        "signature": f"{head}.{body}.{'A' * len(signature)}",
        "stranger's key": theirs(access, op, SigningKey.make(op.key.kid)),
        "none": f"eyJhbGciOiJub25lIn0.{body}.AA",
        "HS256": f"eyJhbGciOiJIUzI1NiJ9.{body}.{signature}",
        "text": "token",
        "long": f"{head}.{body}.{'A' * 20_000}",
    }[spoil]
    with pytest.raises(InvalidIdentityToken):
        access.assume(role, forged)


def test_tags_and_source_identity_come_from_the_token(access: Access, op: FakeOp, role: str) -> None:
    tags = {"principal_tags": {"Team": ["blue"], "Floor": "2"}, "transitive_tag_keys": ["team"]}
    got = access.assume(role, theirs(access, op, **{TAGS: tags, SOURCE: "ada@example"}))
    assert got.assumed.source_identity == "ada@example"
    session = access.caller(got.assumed.credentials).session
    assert session is not None
    assert session.tags == {"Team": "blue", "Floor": "2"}
    assert session.transitive_keys == ("Team",)
    assert session.source_identity == "ada@example"
    bare = access.role("Bare", trust_of({"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{op.issuer[7:]}"}, WEB))
    assert access.assume(bare, theirs(access, op)).assumed.packed_policy_size == 0
    for claims in ({TAGS: tags}, {SOURCE: "ada@example"}):
        with pytest.raises(NotAllowed):
            access.assume(bare, theirs(access, op, **claims))


def test_session_policies_are_checked_counted_and_kept(access: Access, op: FakeOp, role: str) -> None:
    narrow = document(allow("reports:Get", resource="arn:aws:reports:::q3"))
    got = access.assume(role, theirs(access, op), policy=narrow)
    assert 0 < got.assumed.packed_policy_size < 10
    caller = access.caller(got.assumed.credentials)
    assert authorize_call(access.kit, caller, "reports:Get", "arn:aws:reports:::q3").allowed
    assert not authorize_call(access.kit, caller, "reports:Get", "arn:aws:reports:::q4").allowed
    with pytest.raises(MalformedPolicy):
        access.assume(role, theirs(access, op), policy='{"Statement": {}}')
    with pytest.raises(MalformedPolicy):
        access.assume(role, theirs(access, op), policy=document(allow("x:" + "y" * 2048)))
    with pytest.raises(ValidationFailed):
        access.assume(role, theirs(access, op), policy_arns=(f"arn:aws:iam::{ACCOUNT}:policy/none",))
    many = {f"tag{number}": "v" * 200 for number in range(30)}
    with pytest.raises(PackedPolicyTooLarge):
        access.assume(role, theirs(access, op, **{TAGS: {"principal_tags": many}}))


def test_a_role_that_is_not_there_and_one_that_refuses_sound_the_same(access: Access, op: FakeOp, role: str) -> None:
    closed = access.role("Closed", trust())
    said = []
    for arn in (closed, f"arn:aws:iam::{ACCOUNT}:role/Nowhere", role.replace(ACCOUNT, "999999999999"), "arn:aws:iam::x"):
        for more in ({}, {"policy": "{}"}, {"duration": 43_200}, {"policy_arns": ("arn:aws:iam::x",)}):
            with pytest.raises(NotAllowed) as refused:
                access.assume(arn, theirs(access, op), **more)
            said.append(refused.value.public)
    assert set(said) == {"Not authorized to perform sts:AssumeRoleWithWebIdentity"}
    assert "no such role" in access.audited("credentials.refused")[-1]["detail"]["why"]


def test_access_tokens_of_oauth_are_not_taken(access: Access, op: FakeOp, role: str) -> None:
    with pytest.raises(ValidationFailed):
        access.assume(role, theirs(access, op), provider_id="graph.facebook.com")
