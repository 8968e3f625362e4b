"""Claims -> role: every branch of spec D.8, by table (attacks IP-S1.16 to IP-S1.21)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.identitypool.claims import as_text, matches, shape
from broker.identitypool.rules import Resolution, RoleAsk, resolve_role
from broker.model.identity import IdentityPool, MatchType, RoleMapping, RoleRule
from broker.model.sts import Proof

ACCOUNT = "123456789012"
KEY = "cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Pool"
MAPPED = f"{KEY}:app"
SAML = f"arn:aws:iam::{ACCOUNT}:saml-provider/corp"


def role(name: str, account: str = ACCOUNT) -> str:
    return f"arn:aws:iam::{account}:role/{name}"


POOL = IdentityPool("eu-west-1:pool", "pool", authenticated_role=role("in"), unauthenticated_role=role("guest"))


def login(mapping_key: str = MAPPED, kind: str = "user_pool", roles: tuple[str, ...] = (), **claims: Any) -> Proof:
    return Proof(
        kind, mapping_key.removesuffix(":app"), "ada", mapping_key, {k.replace("__", ":"): v for k, v in claims.items()}, roles=roles
    )  # type: ignore[arg-type]


def ruled(*rules: RoleRule, ambiguous: str = "Deny", key: str = MAPPED) -> IdentityPool:
    return replace(POOL, mappings={key: RoleMapping("Rules", ambiguous, rules)})  # type: ignore[arg-type]


def by_token(ambiguous: str = "Deny") -> IdentityPool:
    return replace(POOL, mappings={MAPPED: RoleMapping("Token", ambiguous)})  # type: ignore[arg-type]


def resolve(pool: IdentityPool, *proofs: Proof, custom: str | None = None) -> Resolution:
    found = resolve_role(RoleAsk(pool, proofs, ACCOUNT, custom))
    assert (found.role_arn is None) is (found.refusal is not None)
    assert found.steps, "an answer without a reason"
    return found


def test_a_guest_gets_the_guests_role_and_may_not_choose() -> None:
    assert resolve(POOL).role_arn == role("guest")
    assert resolve(replace(POOL, unauthenticated_role=None)).refusal == "not_configured"
    for asked in (role("in"), role("guest"), role("other")):
        assert resolve(POOL, custom=asked).refusal == "custom_role"


def test_without_a_mapping_everybody_gets_the_authenticated_role() -> None:
    assert resolve(POOL, login()).role_arn == role("in")
    assert resolve(POOL, login(), custom=role("in")).role_arn == role("in")
    assert resolve(POOL, login(), custom=role("guest")).refusal == "custom_role"
    assert resolve(replace(POOL, authenticated_role=None), login()).refusal == "not_configured"
    assert resolve(replace(POOL, authenticated_role=role("in", "999999999999")), login()).refusal == "not_configured"


ADMIN = RoleRule(role("admin"), "groups", "Equals", "admins")
STAFF = RoleRule(role("staff"), "groups", "Contains", "s")


def test_the_first_rule_that_matches_decides_and_order_counts() -> None:
    ada = login(groups=["staff", "admins"])
    first, second = resolve(ruled(ADMIN, STAFF), ada), resolve(ruled(STAFF, ADMIN), ada)
    assert (first.role_arn, first.rule, first.provider) == (role("admin"), 1, MAPPED)
    assert (second.role_arn, second.rule) == (role("staff"), 1)
    third = resolve(ruled(ADMIN, STAFF), login(groups=["sales"]))
    assert (third.role_arn, third.rule) == (role("staff"), 2)
    assert [(step.rule, step.matched) for step in third.steps] == [(1, False), (2, True)]


def test_the_last_of_25_rules_is_reached() -> None:
    rules = [RoleRule(role(f"r{number}"), "level", "Equals", str(number)) for number in range(1, 26)]
    found = resolve(ruled(*rules), login(level=25))
    assert (found.role_arn, found.rule, len(found.steps)) == (role("r25"), 25, 25)


@pytest.mark.parametrize(("ambiguous", "expected"), [("Deny", None), ("AuthenticatedRole", role("in"))])
def test_no_rule_that_matches_is_ambiguous(ambiguous: str, expected: str | None) -> None:
    found = resolve(ruled(ADMIN, ambiguous=ambiguous), login(groups=["none"]))
    assert found.role_arn == expected
    assert found.refusal == (None if expected else "denied")
    unset = replace(ruled(ADMIN, ambiguous=ambiguous), authenticated_role=None)
    assert resolve(unset, login()).refusal == ("not_configured" if expected else "denied")


MATCHES: list[tuple[MatchType, str, object, bool]] = [
    ("Equals", "a", "a", True),
    ("Equals", "a", "A", False),
    ("Equals", "a", "ab", False),
    ("StartsWith", "a", "ab", True),
    ("StartsWith", "b", "ab", False),
    ("Contains", "b", "abc", True),
    ("Contains", "B", "abc", False),
    ("NotEqual", "a", "b", True),
    ("NotEqual", "a", "A", True),
    ("NotEqual", "a", "a", False),
    ("NotEqual", "a", "", True),
    ("Equals", "5", 5, True),
    ("Equals", "5", 5.0, False),
    ("Equals", "5.5", 5.5, True),
    ("Equals", "true", True, True),
    ("Equals", "True", True, False),
    ("Equals", "1", True, False),
    ("NotEqual", "false", True, True),
    ("Equals", "", "", True),
    ("Contains", "", "x", True),
    ("Equals", "b", ["a", "b"], True),
    ("Equals", "a,b", ["a", "b"], False),
    ("StartsWith", "[", ["a"], False),
    ("Contains", "b", ["abc"], True),
    ("NotEqual", "b", ["a", "b"], False),
    ("NotEqual", "c", ["a", "b"], True),
    ("NotEqual", "c", [], True),
    ("Equals", "c", [], False),
    ("Equals", "a", ("a",), True),
    ("Equals", "None", None, False),
    ("NotEqual", "a", None, False),
    ("Contains", "k", {"k": "v"}, False),
    ("NotEqual", "k", {"k": "v"}, False),
    ("NotEqual", "a", [{"k": "v"}], False),
    ("Equals", "a", [["a"]], False),
    ("Equals", "caf\u00e9", "cafe\u0301", False),
    ("Equals", "a", "a ", False),
]


@pytest.mark.parametrize(("match", "wanted", "value", "expected"), MATCHES)
def test_how_a_rule_compares(match: MatchType, wanted: str, value: object, expected: bool) -> None:
    assert matches(match, wanted, value) is expected
    found = resolve(ruled(RoleRule(role("x"), "claim", match, wanted)), login(claim=value))
    assert (found.role_arn == role("x")) is expected


@pytest.mark.parametrize("match", ["Equals", "Contains", "StartsWith", "NotEqual"])
def test_a_missing_claim_matches_nothing(match: MatchType) -> None:
    found = resolve(ruled(RoleRule(role("x"), "claim", match, "a")), login(other="a"))
    assert found.refusal == "denied"
    assert found.steps[0].why == "the claim is missing"


scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
values = st.recursive(scalars, lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(max_size=3), v, max_size=2), max_leaves=6)


@given(wanted=st.text(min_size=1, max_size=4), value=values)
def test_not_equal_and_equals_never_both_hold_and_stronger_matches_imply_weaker(wanted: str, value: object) -> None:
    equals, starts, contains = (matches(match, wanted, value) for match in ("Equals", "StartsWith", "Contains"))
    assert not (equals and matches("NotEqual", wanted, value))
    assert contains or not starts
    assert starts or not equals


@given(value=values)
def test_an_explanation_holds_no_value(value: object) -> None:
    marked = {"claim": value, "secret": "S3CRET-VALUE"}
    rule = RoleRule(role("x"), "secret", "Equals", "other")
    found = resolve_role(RoleAsk(ruled(rule), (replace(login(), claims=marked),), ACCOUNT))
    assert "S3CRET" not in repr(found.steps)
    assert shape(value)
    assert as_text(value) is None or isinstance(as_text(value), str)


# --- by token ---------------------------------------------------------------------------------------------------------------------------

A, B, FOREIGN = role("a"), role("b"), role("a", "999999999999")


@pytest.mark.parametrize(
    ("claims", "custom", "expected"),
    [
        ({"cognito__roles": [A, B], "cognito__preferred_role": B}, None, B),
        ({"cognito__roles": [A]}, None, A),
        ({"cognito__roles": [A, A]}, None, A),
        ({"cognito__roles": A}, None, A),
        ({"cognito__roles": [A, B]}, None, "denied"),
        ({"cognito__roles": []}, None, "denied"),
        ({}, None, "denied"),
        ({"cognito__roles": [A], "cognito__preferred_role": B}, None, "denied"),
        ({"cognito__preferred_role": A}, None, "denied"),
        ({"cognito__roles": [A], "cognito__preferred_role": [A]}, None, "denied"),
        ({"cognito__roles": [FOREIGN]}, None, "denied"),
        ({"cognito__roles": [FOREIGN, A], "cognito__preferred_role": FOREIGN}, None, "denied"),
        ({"cognito__roles": ["not an arn"]}, None, "denied"),
        ({"cognito__roles": [7, A]}, None, A),
        ({"cognito__roles": [A, B]}, A, A),
        ({"cognito__roles": [A, B], "cognito__preferred_role": A}, B, B),
        ({"cognito__roles": [A]}, B, "denied"),
        ({"cognito__roles": [A, FOREIGN]}, FOREIGN, "denied"),
        ({}, role("in"), "denied"),
    ],
)
def test_a_token_chooses_among_its_own_roles(claims: dict[str, Any], custom: str | None, expected: str) -> None:
    found = resolve(by_token(), login(**claims), custom=custom)
    assert (found.role_arn or found.refusal) == expected


def test_a_token_that_decides_nothing_may_lead_to_the_authenticated_role() -> None:
    assert resolve(by_token("AuthenticatedRole"), login(cognito__roles=[A, B])).role_arn == role("in")
    # What a token says wrongly is not ambiguous, and neither is a role that was asked for.
    assert resolve(by_token("AuthenticatedRole"), login(cognito__roles=[A], cognito__preferred_role=B)).refusal == "denied"
    assert resolve(by_token("AuthenticatedRole"), login(cognito__roles=[A]), custom=B).refusal == "denied"


# --- choosing, several logins, SAML, expressions ----------------------------------------------------------------------------------------


def test_with_rules_only_a_role_of_a_rule_that_matches_can_be_asked_for() -> None:
    ada = login(groups=["staff"])
    pool = ruled(STAFF, RoleRule(role("second"), "groups", "Equals", "staff"), ADMIN, ambiguous="AuthenticatedRole")
    assert resolve(pool, ada).role_arn == role("staff")
    assert resolve(pool, ada, custom=role("second")).role_arn == role("second")
    assert resolve(pool, ada, custom=role("admin")).refusal == "denied"
    assert resolve(pool, ada, custom=role("in")).refusal == "denied"


def test_of_several_logins_the_first_with_a_mapping_decides() -> None:
    google = login("accounts.google.com", "social", email="ada@corp.example")
    pool = replace(
        ruled(ADMIN),
        mappings={
            MAPPED: RoleMapping("Rules", "Deny", (ADMIN,)),
            "accounts.google.com": RoleMapping("Rules", "Deny", (RoleRule(role("g"), "email", "Contains", "@corp"),)),
        },
    )
    ada = login(groups=["admins"])
    assert resolve(pool, google, ada).role_arn == role("g")
    assert resolve(pool, ada, google).role_arn == role("admin")
    unmapped = login("www.amazon.com", "social")
    found = resolve(pool, unmapped, ada)
    assert found.role_arn == role("admin")
    assert "www.amazon.com" in found.steps[0].what


@pytest.mark.parametrize(
    ("roles", "custom", "expected"),
    [
        ((A,), None, A),
        ((A, A), None, A),
        ((A, B), None, "denied"),
        ((A, B), B, B),
        ((A,), B, "denied"),
        ((), None, "denied"),
        ((FOREIGN,), None, "denied"),
    ],
)
def test_an_assertion_brings_its_own_roles(roles: tuple[str, ...], custom: str | None, expected: str) -> None:
    found = resolve(replace(POOL, authenticated_role=None), login(SAML, "saml", roles), custom=custom)
    assert (found.role_arn or found.refusal) == expected


def test_a_user_pool_is_the_same_by_either_of_its_names() -> None:
    pool = ruled(ADMIN, key="id.example.com/eu-west-1_Pool:app")
    assert resolve(pool, login(groups="admins")).role_arn == role("admin")
    other = ruled(ADMIN, key="id.example.com/eu-west-1_Pool:other")
    assert resolve(other, login(groups="admins")).role_arn == role("in")


def test_a_rule_may_be_an_expression() -> None:
    pool = ruled(
        RoleRule(role("broken"), expression="claims.missing == 'x'"),
        RoleRule(role("wide"), expression="'staff' in claims.groups && claims.level >= 3"),
        STAFF,
    )
    found = resolve(pool, login(groups=["staff"], level=3))
    assert (found.role_arn, found.rule) == (role("wide"), 2)
    assert found.steps[0].why == "a claim that it names is missing"
    assert resolve(pool, login(groups=["staff"], level=2)).rule == 3


def test_a_rule_cannot_give_a_role_of_another_account() -> None:
    rule = RoleRule(FOREIGN, "groups", "Equals", "x")
    assert resolve(ruled(rule), login(groups="x")).refusal == "not_configured"


def test_a_developers_user_gets_the_authenticated_role() -> None:
    assert resolve(ruled(ADMIN), login("cognito-identity.amazonaws.com", "openid")).role_arn == role("in")
