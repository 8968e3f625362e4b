"""IP-S1: who gets which identity and which role. Each refusal stands beside the same thing done right."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from broker.api_errors import InvalidParameter, InvalidPoolConfiguration, NotAuthorized, ResourceConflict, ResourceNotFound
from broker.flows.identity.get_credentials import get_credentials
from broker.flows.identity.get_id import get_id
from broker.flows.sts.authorize_call import authorize_call
from broker.flows.sts.callers import caller_of
from broker.identitypool.policy import arns
from broker.model.identity import RoleMapping, RoleRule, TagMap
from tests.attacks.identitypool.pools import Everybody, everybody
from tests.attacks.identitypool.stage import ACCOUNT, COGNITO, SAML_ARN, USERS, Stage, arn_of, rules
from tests.fakes.broker import claims_of
from tests.fakes.saml_forge import Attribute

GUESTS_OFF = "Unauthenticated access is not supported for this identity pool."
DIFFER = "Logins don't match."


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Everybody]:
    with everybody(tmp_path_factory.mktemp("stage")) as made:
        yield made


@pytest.fixture
def stage(world: Everybody) -> Stage:
    return Stage(world)


def refused(error: pytest.ExceptionInfo[Any]) -> str:
    return str(error.value.public)


# --- guests -----------------------------------------------------------------------------------------------------------------------------


def test_s1_1_without_logins_nobody_gets_anything_while_guests_are_off(stage: Stage) -> None:
    guest = stage.get_id({})
    assert stage.credentials(guest, {})[0] == guest
    stage.change(stage.pool, allow_guests=False, allow_classic=True)
    for call in (lambda: stage.get_id({}), lambda: stage.open_id_token(guest, {}), lambda: stage.credentials(guest, {})):
        with pytest.raises(NotAuthorized) as error:
            call()
        assert refused(error) == GUESTS_OFF
    with pytest.raises(ResourceNotFound) as unknown:
        get_id(stage.kit, "eu-west-1:00000000-0000-4000-8000-000000000000", {})
    assert refused(unknown) == "IdentityPool 'eu-west-1:00000000-0000-4000-8000-000000000000' not found."


def test_s1_2_a_guest_cannot_ask_for_a_role(stage: Stage) -> None:
    guest = stage.get_id({})
    assert stage.credentials(guest, {})
    for asked in ("in", "guest"):
        with pytest.raises(NotAuthorized):
            stage.credentials(guest, {}, arn_of(asked))


def test_s1_3_guests_are_bound_by_their_role_and_by_the_scope_down(stage: Stage) -> None:
    _, given = stage.credentials(stage.get_id({}), {})
    found = caller_of(stage.kit, given.access_key_id, given.session_token)
    assert found is not None
    allowed = {action: authorize_call(stage.kit, found[0], action, "*").allowed for action in ("s3:GetObject", "ec2:RunInstances")}
    assert allowed == {"s3:GetObject": True, "ec2:RunInstances": False}
    person = stage.someone()
    _, signed_in = stage.credentials(stage.get_id(person), person)
    found = caller_of(stage.kit, signed_in.access_key_id, signed_in.session_token)
    assert found is not None
    assert authorize_call(stage.kit, found[0], "ec2:RunInstances", "*").allowed


def test_s1_4_the_classic_flow_is_off_unless_it_is_asked_for(stage: Stage) -> None:
    person = stage.someone()
    identity = stage.get_id(person)
    with pytest.raises(InvalidParameter) as off:
        stage.open_id_token(identity, person)
    assert refused(off) == "Basic (classic) flow is not enabled, please use enhanced flow."
    stage.pool = stage.change(stage.pool, allow_classic=True)
    same, token = stage.open_id_token(identity, person)
    claims = claims_of(token)
    assert (same, claims["sub"], claims["aud"], claims["amr"][0]) == (identity, identity, stage.pool.id, "authenticated")
    stage.map_roles(RoleMapping("Token"))
    with pytest.raises(InvalidParameter) as mapped:
        stage.open_id_token(identity, person)
    assert refused(mapped) == "Basic (classic) flow is not supported with RoleMappings, please use enhanced flow."


def test_s1_5_a_role_that_any_pool_could_assume_is_not_handed_out(stage: Stage) -> None:
    open_role, bound = stage.role("open"), stage.role("bound", pool=stage.pool.id, amr="authenticated")
    with pytest.raises(InvalidParameter, match="any identity pool"):
        stage.set_roles({"authenticated": open_role})
    assert stage.set_roles({"authenticated": bound}).authenticated_role == bound


@pytest.mark.parametrize(
    ("bound", "matters"), [({"pool": "eu-west-1:other"}, "S1.6 aud"), ({"amr": "unauthenticated"}, "S1.7 amr"), ({"tags": False}, "tags")]
)
def test_s1_6_7_a_role_that_does_not_trust_the_sign_in_gives_nothing(stage: Stage, bound: dict[str, Any], matters: str) -> None:
    stage.set_tags(TagMap({"Sub": "sub"}))
    person = stage.someone()
    assert stage.session(person).role_arn == arn_of("in"), matters
    stage.role("in", **bound)
    with pytest.raises(InvalidPoolConfiguration) as error:
        stage.session(person)
    assert refused(error) == "Invalid identity pool configuration. Check assigned IAM roles for this pool."


@pytest.mark.parametrize("change", [{"enabled": False}, {"name": "gone"}])
def test_a_role_that_is_disabled_or_gone_gives_nothing(stage: Stage, change: dict[str, Any]) -> None:
    person = stage.someone()
    assert stage.session(person)
    if "name" in change:
        stage.change(stage.pool, authenticated_role=arn_of("gone"))
    else:
        stage.role("in", **change)
    with pytest.raises(InvalidPoolConfiguration):
        stage.session(person)


# --- whose identity ---------------------------------------------------------------------------------------------------------------------


def test_s1_8_the_identity_of_another_cannot_be_had_with_ones_own_login(stage: Stage) -> None:
    ada, eve = stage.someone(), stage.someone()
    hers = stage.get_id(ada)
    for known in (False, True):
        before = stage.stored(hers)
        with pytest.raises(NotAuthorized, match="none of 1 logins") as error:
            stage.credentials(hers, eve)
        assert refused(error).startswith(DIFFER)
        assert stage.stored(hers) == before
        assert known or stage.get_id(eve) != hers
    assert stage.credentials(hers, ada)[0] == hers


def test_s1_9_an_authenticated_identity_without_logins_is_no_guest(stage: Stage) -> None:
    person = stage.someone()
    identity = stage.get_id(person)
    with pytest.raises(NotAuthorized) as error:
        stage.credentials(identity, {})
    assert refused(error).startswith(DIFFER)
    assert stage.credentials(identity, person)[0] == identity


def test_s1_14_two_identities_of_people_are_never_merged(stage: Stage) -> None:
    stage.google_of_the_test()
    ada, hers = stage.someone(), stage.google("ada")
    first, second = stage.get_id(ada), stage.get_id(hers)
    assert first != second
    for call in (
        lambda: stage.get_id(ada | hers),
        lambda: stage.credentials(first, ada | hers),
        lambda: stage.credentials(second, hers | ada),
    ):
        with pytest.raises(ResourceConflict):
            call()
    assert [stage.stored(each).enabled for each in (first, second)] == [True, True]
    fresh = stage.google("ada-2")
    assert stage.get_id(ada | fresh) == first == stage.get_id(fresh)


def test_one_identity_has_one_user_of_a_public_provider(stage: Stage) -> None:
    stage.google_of_the_test()
    ada = stage.someone()
    identity = stage.get_id(ada | stage.google("ada"))
    with pytest.raises(ResourceConflict):
        stage.get_id(ada | stage.google("ada-2"))
    assert {login.provider for login in stage.stored(identity).logins} == {stage.world.oidc_key, "accounts.google.com"}


def test_s1_15_a_guest_who_signs_in_keeps_his_id_once(stage: Stage) -> None:
    guest, person = stage.get_id({}), stage.someone()
    assert stage.credentials(guest, person)[0] == guest == stage.get_id(person)
    with pytest.raises(NotAuthorized):
        stage.credentials(guest, {})
    # A second guest of the same person goes over into the first identity, and is nobody's from then on.
    second = stage.get_id({})
    assert stage.credentials(second, person)[0] == guest
    assert (stage.stored(second).enabled, stage.stored(second).merged_into) == (False, guest)
    for logins in ({}, person, stage.someone()):
        with pytest.raises(ResourceNotFound) as error:
            stage.credentials(second, logins)
        assert refused(error) == f"Identity '{second}' not found."
    third = stage.get_id({})
    assert stage.stored(third).enabled


def test_an_identity_of_a_pool_that_is_switched_off_is_not_found(stage: Stage) -> None:
    person = stage.someone()
    identity = stage.get_id(person)
    stage.change(stage.pool, enabled=False)
    for call in (lambda: stage.get_id(person), lambda: stage.credentials(identity, person)):
        with pytest.raises(ResourceNotFound):
            call()
    stage.change(stage.pool, enabled=True)
    assert stage.credentials(identity, person)[0] == identity


# --- which role -------------------------------------------------------------------------------------------------------------------------

STAFF = RoleRule(arn_of("staff"), "groups", "Contains", "staff")
ADMIN = RoleRule(arn_of("admin"), "groups", "Equals", "admins")


def test_s1_16_the_first_rule_that_matches_gives_the_role(stage: Stage) -> None:
    both = {"groups": ["staff", "admins"]}
    stage.map_roles(rules(ADMIN, STAFF))
    assert stage.session(stage.someone(**both)).role_arn == arn_of("admin")
    stage.map_roles(rules(STAFF, ADMIN))
    assert stage.session(stage.someone(**both)).role_arn == arn_of("staff")
    told = stage.audited("credentials.issued")[-1]
    assert (told["detail"]["rule"], told["detail"]["mapping"], told["detail"]["role"]) == (1, stage.oidc_arn, arn_of("staff"))


def test_s1_17_a_missing_claim_matches_no_rule(stage: Stage) -> None:
    stage.map_roles(rules(RoleRule(arn_of("staff"), "org", "NotEqual", "guests")))
    assert stage.session(stage.someone(org="corp")).role_arn == arn_of("staff")
    for claims in ({}, {"org": "guests"}):
        with pytest.raises(NotAuthorized):
            stage.session(stage.someone(**claims))


def test_s1_18_what_is_ambiguous_is_denied_or_the_default(stage: Stage) -> None:
    nobody = {"groups": ["none"]}
    stage.map_roles(rules(ADMIN))
    with pytest.raises(NotAuthorized) as error:
        stage.session(stage.someone(**nobody))
    assert refused(error) == f"The ambiguous role mapping rules for: {stage.oidc_arn} denied this request."
    told = stage.audited("credentials.refused")[-1]
    assert told["detail"]["steps"] == ["groups Equals 'admins': it does not match", "ambiguous: nothing decided: Deny"]
    stage.map_roles(rules(ADMIN, ambiguous="AuthenticatedRole"))
    assert stage.session(stage.someone(**nobody)).role_arn == arn_of("in")


TOKEN = [
    ("S1.19 several, none preferred", {"cognito:roles": [arn_of("staff"), arn_of("admin")]}, None, None),
    (
        "S1.19 one preferred",
        {"cognito:roles": [arn_of("staff"), arn_of("admin")], "cognito:preferred_role": arn_of("admin")},
        None,
        "admin",
    ),
    ("S1.20 preferred not among them", {"cognito:roles": [arn_of("staff")], "cognito:preferred_role": arn_of("admin")}, None, None),
    ("S1.20 one twice", {"cognito:roles": [arn_of("staff"), arn_of("staff")]}, None, "staff"),
    ("S1.20 of another account", {"cognito:roles": [arn_of("staff", "999999999999")]}, None, None),
    ("S1.21 asked for, not among them", {"cognito:roles": [arn_of("staff")]}, "admin", None),
    ("S1.21 asked for, among them", {"cognito:roles": [arn_of("staff"), arn_of("admin")]}, "admin", "admin"),
]


@pytest.mark.parametrize(("row", "claims", "custom", "expected"), TOKEN, ids=[row[0] for row in TOKEN])
def test_s1_19_20_21_a_token_may_choose_among_its_roles(
    stage: Stage, row: str, claims: dict[str, Any], custom: str | None, expected: str | None
) -> None:
    stage.map_roles(RoleMapping("Token"))
    asked = arn_of(custom) if custom else None
    if expected is None:
        with pytest.raises(NotAuthorized, match="role_denied"):
            stage.session(stage.someone(**claims), asked)
    else:
        assert stage.session(stage.someone(**claims), asked).role_arn == arn_of(expected), row


def test_s1_21_with_rules_a_role_that_no_matching_rule_gives_cannot_be_asked_for(stage: Stage) -> None:
    stage.map_roles(rules(ADMIN, STAFF, ambiguous="AuthenticatedRole"))
    for asked in ("admin", "in"):
        with pytest.raises(NotAuthorized):
            stage.session(stage.someone(groups=["staff"]), arn_of(asked))
    assert stage.session(stage.someone(groups=["staff"]), arn_of("staff")).role_arn == arn_of("staff")


def test_s1_22_a_rule_on_what_users_can_write_is_told_of(stage: Stage) -> None:
    fit = {"pool": stage.pool.id, "amr": "authenticated"}
    rule = RoleRule(stage.role("fit", **fit), "email", "Contains", "@corp")
    stage.set_roles({"authenticated": arn_of("fit")}, {stage.oidc_arn: rules(rule)})
    (told,) = stage.audited("identity_pool.roles_set")
    assert "depends on the claim email" in told["detail"]["warnings"][0]
    stage.set_roles({"authenticated": arn_of("fit")}, {stage.oidc_arn: rules(RoleRule(arn_of("fit"), "org", "Equals", "x"))})
    assert stage.audited("identity_pool.roles_set")[-1]["detail"]["warnings"] == []


def test_s1_23_roles_and_rules_are_checked_when_they_are_set(stage: Stage) -> None:
    fit = stage.role("fit", pool=stage.pool.id, amr="authenticated")
    good = RoleRule(fit, "org", "Equals", "x")
    wrong: list[tuple[dict[str, str], dict[str, RoleMapping]]] = [
        ({"authenticated": "no-arn"}, {}),
        ({}, {stage.oidc_arn: rules(*[good] * 26)}),
        ({}, {stage.oidc_arn: rules()}),
        ({}, {"www.amazon.com": rules(good)}),
        ({}, {stage.oidc_arn: rules(RoleRule(fit, expression="claims.org =="))}),
    ]
    for roles, mappings in wrong:
        with pytest.raises(InvalidParameter):
            stage.set_roles(roles, mappings)
    with pytest.raises(NotAuthorized) as error:
        stage.set_roles({"authenticated": arn_of("fit", "999999999999")})
    assert refused(error) == f"Access to Role '{arn_of('fit', '999999999999')}' is forbidden."
    assert len(stage.set_roles({"authenticated": fit}, {stage.oidc_arn: rules(*[good] * 25)}).mappings[stage.oidc_arn].rules) == 25


def test_roles_that_the_caller_may_not_pass_are_not_set(stage: Stage) -> None:
    fit = stage.role("fit", pool=stage.pool.id, amr="authenticated")
    stage.role("in", policies={})
    person = stage.someone()
    _, given = stage.credentials(stage.get_id(person), person)
    found = caller_of(stage.kit, given.access_key_id, given.session_token)
    assert found is not None
    with pytest.raises(NotAuthorized) as error:
        stage.set_roles({"authenticated": fit}, by=found[0])
    assert refused(error) == f"Access to Role '{fit}' is forbidden."
    assert stage.set_roles({"authenticated": fit}).authenticated_role == fit


def test_a_rule_may_be_an_expression(stage: Stage) -> None:
    stage.map_roles(rules(RoleRule(arn_of("admin"), expression="claims.level >= 3 && 'staff' in claims.groups"), STAFF))
    assert stage.session(stage.someone(level=3, groups=["staff"])).role_arn == arn_of("admin")
    assert stage.session(stage.someone(level=2, groups=["staff"])).role_arn == arn_of("staff")


def test_s1_24_26_a_session_lasts_an_hour_and_has_the_name_that_the_service_gives(stage: Stage) -> None:
    session = stage.session(stage.someone())
    assert (session.expires_at - session.issued_at).total_seconds() == 3600
    assert session.session_name == "CognitoIdentityCredentials"
    assert session.federated[f"{COGNITO}:sub"] == session.identity_id
    stage.role("in", max_session=1800)
    short = stage.session(stage.someone())
    assert (short.expires_at - short.issued_at).total_seconds() == 1800


def test_s1_25_who_signed_out_gets_no_more_where_the_server_is_asked(stage: Stage) -> None:
    alice = stage.alice("corponly")
    identity = stage.get_id(alice)
    assert stage.credentials(identity, alice)[0] == identity
    with stage.kit.base.store.unit() as unit:
        claims = claims_of(alice[USERS])
        unit.refreshes.revoke("local_Test1", user_sub=claims["sub"])
    with pytest.raises(NotAuthorized) as error:
        stage.credentials(identity, alice)
    assert refused(error) == "Token is inactive"
    again = stage.alice("corponly")
    assert stage.credentials(identity, again)[0] == identity


def test_s1_27_ids_are_random_and_an_unknown_one_looks_like_one_that_is_gone(stage: Stage) -> None:
    made = {stage.get_id({}) for _ in range(20)}
    assert len(made) == 20
    gone = stage.get_id({})
    person = stage.someone()
    stage.get_id(person)
    stage.credentials(gone, person)
    for identity in (gone, gone[:-4] + "0000"):
        with pytest.raises(ResourceNotFound) as error:
            stage.credentials(identity, {})
        assert refused(error) == f"Identity '{identity}' not found."


def test_an_assertion_brings_its_role(stage: Stage) -> None:
    listed = Attribute("https://aws.amazon.com/SAML/Attributes/Role", (f"{arn_of('staff')},{SAML_ARN}", f"{arn_of('admin')},{SAML_ARN}"))

    def login(number: int) -> dict[str, str]:
        return {SAML_ARN: stage.world.assertion(assertion_id=f"_role{number}", attributes=(listed,))}

    chosen = stage.session(login(1), arn_of("admin"))
    assert chosen.role_arn == arn_of("admin")
    for custom, number in ((None, 2), (arn_of("in"), 3)):
        with pytest.raises(NotAuthorized):
            stage.session(login(number), custom)
    assert arns.account_of(chosen.role_arn) == ACCOUNT


# --- races ------------------------------------------------------------------------------------------------------------------------------


def test_two_first_calls_with_one_login_make_one_identity(stage: Stage) -> None:
    logins, gate = stage.someone(), Barrier(6)

    def call(_: int) -> str:
        gate.wait()
        return stage.get_id(logins)

    before = len(stage.everybody())
    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(call, range(6)))) == 1
    assert len(stage.everybody()) == before + 1


def test_two_guests_who_sign_in_as_one_person_at_once_end_as_one_identity(stage: Stage) -> None:
    logins, guests, gate = stage.someone(), [stage.get_id({}) for _ in range(4)], Barrier(4)

    def call(guest: str) -> str:
        gate.wait()
        return get_credentials(stage.kit, guest, logins)[0]

    with ThreadPoolExecutor(4) as pool:
        (winner,) = set(pool.map(call, guests))
    assert [guest for guest in guests if stage.stored(guest).enabled] == [winner]
    assert stage.get_id(logins) == winner
