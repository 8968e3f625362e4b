"""An explanation and reality are the same: role, tags and refusals of `explain` beside those of a real call, and nothing written."""

from __future__ import annotations

import itertools
import json
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from broker.api_errors import ApiError, InvalidParameter, ResourceNotFound
from broker.flows.access_kit import AccessKit
from broker.flows.identity.assumed import assumed_proof, key_of_token, provider_keys
from broker.flows.identity.explain import explain
from broker.flows.identity.explanation import ExplainAsk, Explanation
from broker.flows.identity.get_credentials import get_credentials
from broker.flows.identity.get_id import get_id
from broker.model.iam import Role
from broker.model.identity import IdentityPool, RoleMapping, RoleRule, TagMap
from broker.model.sts import Credentials, Grant
from tests.attacks.identitypool.pools import ACCOUNT, IDENTITY_POOL, READER, SAML_ARN, USERS, Everybody, everybody
from tests.fakes.broker import claims_of

WRITER = f"arn:aws:iam::{ACCOUNT}:role/writer"
GUEST = f"arn:aws:iam::{ACCOUNT}:role/guest"
CLOSED = f"arn:aws:iam::{ACCOUNT}:role/closed"
ELSEWHERE = "arn:aws:iam::999999999999:role/reader"
COGNITO = "cognito-identity.amazonaws.com"
NUMBERS = itertools.count()


def trust(*actions: str, amr: str = "*authenticated") -> str:
    condition = {"StringEquals": {f"{COGNITO}:aud": IDENTITY_POOL}, "ForAnyValue:StringLike": {f"{COGNITO}:amr": amr}}
    statement = {"Effect": "Allow", "Principal": {"Federated": COGNITO}, "Action": list(actions), "Condition": condition}
    return json.dumps({"Version": "2012-10-17", "Statement": statement})


TAKES_ALL = trust("sts:AssumeRoleWithWebIdentity", "sts:TagSession")
MARKETING = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "Own",
                "Effect": "Allow",
                "Action": "reports:Get",
                "Resource": "arn:aws:reports:::*",
                "Condition": {"StringEquals": {"aws:PrincipalTag/department": "marketing"}},
            },
            {"Effect": "Deny", "Action": "reports:Delete", "Resource": "*"},
        ],
    }
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Everybody]:
    with everybody(tmp_path_factory.mktemp("explain")) as made:
        now = made.broker.clock.now()
        with made.broker.wired.store.unit() as unit:
            unit.roles.put(Role("reader", "AROAREADER", TAKES_ALL, now, policies={"own": MARKETING}))
            unit.roles.put(Role("writer", "AROAWRITER", trust("sts:AssumeRoleWithWebIdentity"), now, max_session=1800))
            unit.roles.put(Role("guest", "AROAGUEST", trust("sts:AssumeRoleWithWebIdentity", amr="unauthenticated"), now))
            unit.roles.put(Role("closed", "AROACLOSED", trust("sts:AssumeRole"), now))
        yield made


def kit_of(world: Everybody) -> AccessKit:
    return world.broker.wired.services.access.kit


def set_pool(world: Everybody, **changes: Any) -> IdentityPool:
    """The pool anew, from what it is without mappings."""
    plain: dict[str, Any] = {
        "mappings": {},
        "tag_maps": {},
        "authenticated_role": READER,
        "unauthenticated_role": GUEST,
        "allow_guests": True,
    }
    with world.broker.wired.store.unit() as unit:
        known = unit.identity_pools.get(IDENTITY_POOL, IDENTITY_POOL)
        assert known is not None
        unit.identity_pools.put(replace(known, **{**plain, **changes}))
    world.broker.clock.advance(seconds=2)
    return world.pool


def oidc_arn(world: Everybody) -> str:
    return next(iter(world.pool.oidc_providers))


def real(world: Everybody, logins: dict[str, str], custom: str | None = None) -> tuple[str, dict[str, str]] | str:
    """Role and tags of credentials that were really given, or the words of the refusal."""
    kit = kit_of(world)
    try:
        identity = get_id(kit, IDENTITY_POOL, logins)
        _, credentials = get_credentials(kit, identity, logins, custom)
    except ApiError as refused:
        return refused.public
    session, _ = kit.tokens.open(credentials.session_token)
    return session.role_arn, dict(session.tags)


def told(explanation: Explanation) -> tuple[str, dict[str, str]] | str:
    if explanation.refusal is not None:
        return explanation.refusal.public
    assert explanation.role_arn is not None
    return explanation.role_arn, dict(explanation.principal_tags)


def rules(*given: RoleRule, ambiguous: Any = "Deny") -> RoleMapping:
    return RoleMapping("Rules", ambiguous, given)


STAFF = RoleRule(WRITER, "department", "Equals", "staff")
MARKET = RoleRule(READER, "department", "StartsWith", "market")
TAGS = TagMap({"department": "department", "team": "team"})
SETTINGS: dict[str, Callable[[Everybody], dict[str, Any]]] = {
    "no mapping": lambda w: {},
    "no role": lambda w: {"authenticated_role": None},
    "closed role": lambda w: {"authenticated_role": CLOSED},
    "other account": lambda w: {"authenticated_role": ELSEWHERE},
    "role that is not there": lambda w: {"authenticated_role": READER + "x"},
    "rules": lambda w: {"mappings": {oidc_arn(w): rules(STAFF, MARKET)}},
    "rules, or the default": lambda w: {"mappings": {oidc_arn(w): rules(STAFF, ambiguous="AuthenticatedRole")}},
    "rule to another account": lambda w: {"mappings": {oidc_arn(w): rules(RoleRule(ELSEWHERE, "sub", "NotEqual", "x"))}},
    "expression": lambda w: {"mappings": {oidc_arn(w): rules(RoleRule(WRITER, expression='claims.department == "staff"'), MARKET)}},
    "token": lambda w: {"mappings": {oidc_arn(w): RoleMapping("Token", "Deny")}},
    "tags": lambda w: {"tag_maps": {oidc_arn(w): TAGS}},
    "tags that the role does not take": lambda w: {"tag_maps": {oidc_arn(w): TAGS}, "authenticated_role": WRITER},
    "default tags": lambda w: {"tag_maps": {oidc_arn(w): TagMap(use_defaults=True)}},
    "no guests": lambda w: {"allow_guests": False},
}
CLAIMS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "marketing": {"department": "marketing", "team": "web"},
    "staff": {"department": "staff"},
    "a list": {"department": ["staff", "marketing"]},
    "no tag": {"department": "<b>"},
    "a number": {"department": 7},
    "roles": {"cognito:roles": [WRITER, READER], "cognito:preferred_role": WRITER},
    "one role": {"cognito:roles": [READER]},
    "a role of others": {"cognito:roles": [ELSEWHERE]},
}


@pytest.mark.parametrize("custom", [None, WRITER])
@pytest.mark.parametrize("said", CLAIMS)
@pytest.mark.parametrize("setting", SETTINGS)
def test_an_explanation_says_what_happens(world: Everybody, setting: str, said: str, custom: str | None) -> None:
    set_pool(world, **SETTINGS[setting](world))
    # A subject of its own, so that explanations come before and after the identity is there.
    claims = {**CLAIMS[said], "sub": f"ada{next(NUMBERS)}"}
    token = world.oidc_token(**claims)
    logins = {world.oidc_key: token}
    before = explain(kit_of(world), ExplainAsk(IDENTITY_POOL, logins, custom_role_arn=custom))
    assert before.identity is not None
    assert (before.identity.outcome, before.identity.id) == ("new", "")
    happened = real(world, logins, custom)
    after = explain(kit_of(world), ExplainAsk(IDENTITY_POOL, logins, custom_role_arn=custom))
    assumed = explain(kit_of(world), ExplainAsk(IDENTITY_POOL, claims=claims_of(token), custom_role_arn=custom))
    assert [told(before), told(after), told(assumed)] == [happened] * 3
    if isinstance(happened, tuple):
        # What happens is among what `reach` says can happen.
        ways = world.broker.wired.services.access.reach(happened[0])
        assert any(way.provider == oidc_arn(world) and not way.blocked for way in ways)
    assert after.identity is not None
    assert after.identity.outcome == "found"
    assert (after.refusal, after.choices, after.tags, after.trust) == (assumed.refusal, assumed.choices, assumed.tags, assumed.trust)
    assert [login.verified for login in (*after.logins, *assumed.logins)] == [True, False]


@pytest.mark.parametrize("setting", SETTINGS)
def test_so_it_is_for_guests(world: Everybody, setting: str) -> None:
    set_pool(world, **SETTINGS[setting](world))
    explanation = explain(kit_of(world), ExplainAsk(IDENTITY_POOL))
    happened = real(world, {})
    assert told(explanation) == happened
    assert any(way.kind == "guest" and not way.blocked for way in world.broker.wired.services.access.reach(GUEST)) == isinstance(
        happened, tuple
    )
    assert explanation.limited_as_guest
    if setting != "no guests":
        assert {right.by for right in explanation.rights} == {"session"}
        assert explanation.role_arn == GUEST


MAKE: dict[str, Callable[[Everybody], dict[str, str]]] = {
    "user pool": lambda w: {USERS: w.tokens()["id_token"]},
    "OpenID": lambda w: {w.oidc_key: w.oidc_token()},
    "Google": lambda w: {"accounts.google.com": w.oidc_token(iss="https://accounts.google.com", aud="google-app")},
    "SAML": lambda w: {SAML_ARN: w.assertion(assertion_id=f"_explained{next(NUMBERS)}")},
}


@pytest.mark.parametrize("kind", MAKE)
def test_an_assumed_login_is_the_proof_that_a_verifier_makes(world: Everybody, kind: str) -> None:
    pool = set_pool(world)
    ((key, token),) = MAKE[kind](world).items()
    (proof,) = world.verify({key: token}, f"assumed {kind}")
    made = assumed_proof(kit_of(world), pool, key, proof.claims)
    assert replace(made, audience=proof.audience) == proof
    assert made.audience == proof.audience or kind == "SAML"
    assert key_of_token(kit_of(world), pool, token) == key
    assert key in provider_keys(pool)


def rows(folder: Path) -> dict[str, list[Any]]:
    """Every row of every table."""
    with sqlite3.connect(next(folder.glob("crossgate.db"))) as database:
        tables = [name for (name,) in database.execute("select name from sqlite_master where type = 'table'")]
        return {table: database.execute(f"select * from {table}").fetchall() for table in tables}


@pytest.mark.parametrize("kind", MAKE)
def test_nothing_is_written_and_the_login_stays_good(world: Everybody, kind: str) -> None:
    set_pool(world)
    logins, folder = MAKE[kind](world), world.broker.config.path.parent
    kit_of(world).base.settings.identity_pool(IDENTITY_POOL)
    before, audited = rows(folder), (folder / "audit.jsonl").read_bytes()
    for _ in range(2):
        assert told(explain(kit_of(world), ExplainAsk(IDENTITY_POOL, logins)))[0] == READER
    assert rows(folder) == before
    assert (folder / "audit.jsonl").read_bytes() == audited
    # An assertion that had been burned would be refused here.
    assert get_id(kit_of(world), IDENTITY_POOL, logins)
    assert rows(folder) != before


def test_two_logins_of_two_identities_are_a_conflict(world: Everybody) -> None:
    set_pool(world)
    google = {"accounts.google.com": world.oidc_token(iss="https://accounts.google.com", aud="google-app", sub="eve")}
    openid = {world.oidc_key: world.oidc_token(sub="eve")}
    assert real(world, google)
    linked = explain(kit_of(world), ExplainAsk(IDENTITY_POOL, {**google, **openid}))
    assert linked.identity is not None
    assert linked.identity.outcome == "linked"
    assert real(world, openid)
    refused = explain(kit_of(world), ExplainAsk(IDENTITY_POOL, {**google, **openid}))
    assert refused.refusal is not None
    assert (refused.refusal.stage, refused.role_arn) == ("identity", READER)
    assert told(refused) == real(world, {**google, **openid})


def test_each_rule_says_why(world: Everybody) -> None:
    last = RoleRule(WRITER, "team", "NotEqual", "x")
    set_pool(world, mappings={oidc_arn(world): rules(STAFF, RoleRule(WRITER, "groups", "Contains", "x"), MARKET, last)})
    ask = ExplainAsk(IDENTITY_POOL, claims={"iss": world.op.issuer, "sub": "x", "department": "marketing"})
    explanation = explain(kit_of(world), ask)
    assert [(each.rule, each.outcome, each.why) for each in explanation.choices] == [
        (1, "not matched", "it does not match"),
        (2, "not matched", "the claim is missing"),
        (3, "matched", "it matches"),
        (4, "not tried", "rule 3 has decided"),
    ]
    assert explanation.decided_by == oidc_arn(world)
    assert any("assumed" in words for words in explanation.warnings)


def test_what_the_role_allows_and_which_statement_decides(world: Everybody) -> None:
    set_pool(world, tag_maps={oidc_arn(world): TAGS})
    claims = {"iss": world.op.issuer, "sub": "x"}

    def tried(action: str, **more: str) -> tuple[bool, str]:
        ask = ExplainAsk(IDENTITY_POOL, claims={**claims, **more}, action=action, resource="arn:aws:reports:::q3")
        found = explain(kit_of(world), ask).tried
        assert found is not None
        assert len(found.statements) == 2
        return found.allowed, found.reason

    assert tried("reports:Get", department="marketing") == (True, "statement 0 (Own) of identity policy own allows reports:Get")
    assert tried("reports:Get", department="sales") == (False, "no identity policy allows reports:Get")
    assert tried("reports:Delete", department="marketing") == (False, "statement 1 of identity policy own denies reports:Delete")
    rights = explain(kit_of(world), ExplainAsk(IDENTITY_POOL, claims=claims)).rights
    assert [(each.effect, each.actions, each.conditions) for each in rights] == [
        ("Allow", "reports:Get", ("StringEquals aws:PrincipalTag/department marketing",)),
        ("Deny", "reports:Delete", ()),
    ]


def test_warnings_name_what_users_can_write_and_trust_that_is_open(world: Everybody) -> None:
    set_pool(world, mappings={oidc_arn(world): rules(RoleRule(READER, "given_name", "Equals", "Ada"))})
    explanation = explain(kit_of(world), ExplainAsk(IDENTITY_POOL, claims={"sub": "s", "iss": world.op.issuer, "given_name": "Ada"}))
    assert explanation.role_arn == READER
    assert any("rule 1" in words and "given_name" in words for words in explanation.warnings)
    open_to_guests = json.loads(TAKES_ALL)
    del open_to_guests["Statement"]["Condition"]["ForAnyValue:StringLike"]
    with world.broker.wired.store.unit() as unit:
        known = unit.roles.get("iam", "writer")
        assert known is not None
        unit.roles.put(replace(known, name="ajar", id="AROAAJAR", trust=json.dumps(open_to_guests)))
    set_pool(world, authenticated_role=f"arn:aws:iam::{ACCOUNT}:role/ajar")
    explanation = explain(kit_of(world), ExplainAsk(IDENTITY_POOL, claims={"iss": world.op.issuer, "sub": "x"}))
    assert any("amr" in words for words in explanation.warnings)
    assert explanation.seconds == 1800


def test_what_cannot_be_asked_is_an_error(world: Everybody) -> None:
    set_pool(world)
    kit = kit_of(world)
    with pytest.raises(ResourceNotFound):
        explain(kit, ExplainAsk(IDENTITY_POOL[:-1] + "9"))
    with pytest.raises(InvalidParameter):
        explain(kit, ExplainAsk(IDENTITY_POOL, claims={"sub": "x"}))
    with pytest.raises(InvalidParameter):
        explain(kit, ExplainAsk(IDENTITY_POOL, claims={"sub": "x", "iss": "https://nobody.example"}))
    for claims, key in (({"sub": "x"}, "nobody.example"), ({"sub": "x", "aud": "rotating"}, USERS), ({"token_use": "access"}, USERS)):
        refused = explain(kit, ExplainAsk(IDENTITY_POOL, claims=claims, provider=key)).refusal
        assert refused is not None
        assert refused.stage == "login"


class ElsewhereIssuer:
    """ports.credentials.CredentialIssuer, of another STS. An explanation asks nobody for credentials."""

    def issue(self, grant: Grant) -> Credentials:
        raise AssertionError("credentials were asked for")


def test_of_another_sts_nothing_is_claimed(world: Everybody) -> None:
    set_pool(world, authenticated_role=ELSEWHERE.replace("999999999999", ACCOUNT))
    kit = replace(kit_of(world), credentials=ElsewhereIssuer())
    explanation = explain(kit, ExplainAsk(IDENTITY_POOL, {world.oidc_key: world.oidc_token()}, action="s3:GetObject"))
    assert (explanation.refusal, explanation.trust, explanation.tried) == (None, (), None)
    assert any("another STS" in words for words in explanation.warnings)
