"""IP-S1.10 to IP-S1.13: what a Logins map shows. Beside each refusal stands the honest login, which is accepted."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from broker.api_errors import ApiError, ExternalService, InvalidParameter, NotAuthorized
from broker.flows.identity.proofs import verify_logins
from broker.identitypool.policy.arns import oidc_provider
from broker.model.iam import OidcProvider
from tests.attacks.identitypool.pools import ACCOUNT, POOL, READER, SAML_ARN, USERS, Everybody, everybody
from tests.fakes.oidc_op import SigningKey

Make = Callable[[Everybody], dict[str, str]]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Everybody]:
    with everybody(tmp_path_factory.mktemp("everybody")) as made:
        yield made


HONEST: dict[str, tuple[Make, str, str]] = {
    "user pool": (lambda w: {USERS: w.tokens()["id_token"]}, "user_pool", f"{USERS}:app"),
    "user pool by issuer": (lambda w: {f"localhost:8080/{POOL}": w.tokens()["id_token"]}, "user_pool", f"{USERS}:app"),
    "user pool, checked": (lambda w: {USERS: w.tokens("corponly")["id_token"]}, "user_pool", f"{USERS}:corponly"),
    "OpenID": (lambda w: {w.oidc_key: w.oidc_token()}, "oidc", ":oidc-provider/"),
    "OpenID by azp": (lambda w: {w.oidc_key: w.oidc_token(azp="mobile", aud=["api", "mobile"])}, "oidc", ":oidc-provider/"),
    "Google": (lambda w: {"accounts.google.com": google(w)}, "social", "accounts.google.com"),
    "Facebook": (lambda w: {"graph.facebook.com": "fb-token"}, "social", "graph.facebook.com"),
    "Amazon": (lambda w: {"www.amazon.com": "amzn-token"}, "social", "www.amazon.com"),
    "X": (lambda w: {"api.twitter.com": "x-token;x-secret"}, "social", "api.twitter.com"),
    "SAML": (lambda w: {SAML_ARN: w.assertion(assertion_id="_honest")}, "saml", SAML_ARN),
}


def google(world: Everybody, **claims: object) -> str:
    return world.oidc_token(**{"iss": "https://accounts.google.com", "aud": "google-app", **claims})


@pytest.mark.parametrize("name", HONEST)
def test_an_honest_login_is_a_proof(world: Everybody, name: str) -> None:
    make, kind, mapping_key = HONEST[name]
    (proof,) = world.verify(make(world))
    assert proof.kind == kind
    assert mapping_key in proof.mapping_key
    assert proof.subject
    assert proof.amr[1].endswith(proof.subject)


def test_an_assertion_brings_its_roles(world: Everybody) -> None:
    (proof,) = world.verify({SAML_ARN: world.assertion(assertion_id="_roles")})
    assert proof.roles == (READER,)
    assert proof.claims["NameID"] == proof.subject


def swapped(token: str) -> str:
    head, body, signature = token.split(".")
    return f"{head}.{body}.{signature[:-4]}{'AAAA' if signature[-4:] != 'AAAA' else 'BBBB'}"


def unsigned(world: Everybody) -> str:
    _, body, _ = world.oidc_token().split(".")
    head = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
    return f"{head}.{body}."


FOREIGN = SigningKey.make("foreign")
SUPPORTED = "Token is not from a supported provider"
SIGNED = "Couldn't verify signed token"
REFUSED: dict[str, tuple[Make, str]] = {
    "S1.10 another user pool": (lambda w: {f"cognito-idp.eu-west-1.amazonaws.com/{POOL}x": w.tokens()["id_token"]}, SUPPORTED),
    "S1.10 a trailing slash": (lambda w: {USERS + "/": w.tokens()["id_token"]}, SUPPORTED),
    "S1.10 another case": (lambda w: {USERS.upper(): w.tokens()["id_token"]}, SUPPORTED),
    "S1.10 another region": (lambda w: {USERS.replace("eu-west-1", "us-east-1"): w.tokens()["id_token"]}, SUPPORTED),
    "S1.10 a scheme": (lambda w: {w.op.issuer: w.oidc_token()}, SUPPORTED),
    "S1.10 not configured": (lambda w: {"appleid.apple.com": w.oidc_token()}, SUPPORTED),
    "S1.10 a developer's": (lambda w: {"login.backend": "ada"}, SUPPORTED),
    "S1.10 token of Y at X": (lambda w: {w.oidc_key: w.tokens()["id_token"]}, "Invalid login token"),
    "S1.10 token of Y at Google": (lambda w: {"accounts.google.com": w.oidc_token(aud="google-app")}, "Issuer doesn't match"),
    "S1.11 other client": (lambda w: {USERS: w.tokens("rotating")["id_token"]}, SUPPORTED),
    "S1.11 access token": (lambda w: {USERS: w.tokens()["access_token"]}, "Missing a required claim: aud"),
    "S1.11 changed signature": (lambda w: {USERS: swapped(w.tokens()["id_token"])}, SIGNED),
    "S1.11 no token": (lambda w: {USERS: "x"}, "Not a valid OpenId Connect identity token"),
    "S1.11 empty": (lambda w: {USERS: ""}, "Not a valid OpenId Connect identity token"),
    "S1.11 OpenID: other audience": (lambda w: {w.oidc_key: w.oidc_token(aud="another")}, SUPPORTED),
    "S1.11 OpenID: several audiences": (lambda w: {w.oidc_key: w.oidc_token(aud=["mobile", "another"])}, SUPPORTED),
    "S1.11 OpenID: azp is another": (lambda w: {w.oidc_key: w.oidc_token(azp="another")}, SUPPORTED),
    "S1.11 OpenID: no audience": (lambda w: {w.oidc_key: w.oidc_token(aud=None)}, "aud"),
    "S1.11 OpenID: expired": (lambda w: {w.oidc_key: w.oidc_token(exp=1)}, "Token expired"),
    "S1.11 OpenID: alg none": (lambda w: {w.oidc_key: unsigned(w)}, "Invalid login token"),
    "S1.11 OpenID: foreign key": (lambda w: {w.oidc_key: w.oidc_token(FOREIGN)}, "Invalid login token"),
    "S1.11 OpenID: foreign key under its kid": (lambda w: {w.oidc_key: w.oidc_token(FOREIGN, {"kid": w.op.key.kid})}, SIGNED),
    "S1.11 OpenID: key in the header": (lambda w: {w.oidc_key: w.oidc_token(FOREIGN, {"jwk": FOREIGN.public()})}, "Invalid login token"),
    "S1.11 OpenID: changed": (lambda w: {w.oidc_key: swapped(w.oidc_token())}, SIGNED),
    "S1.11 OpenID: no subject": (lambda w: {w.oidc_key: w.oidc_token(sub=None)}, "Invalid login token"),
    "S1.11 Google: other app": (lambda w: {"accounts.google.com": google(w, aud="another")}, SUPPORTED),
    "S1.11 Google: expired": (lambda w: {"accounts.google.com": google(w, exp=1)}, "Token expired"),
    "S1.12 wrong recipient": (lambda w: {SAML_ARN: w.assertion(acs="https://evil.example/acs")}, "Invalid login token"),
    "S1.12 wrong audience": (lambda w: {SAML_ARN: w.assertion(audience="urn:another")}, "Invalid login token"),
    "S1.12 our own SP": (lambda w: {SAML_ARN: w.assertion(audience=f"urn:amazon:cognito:sp:{POOL}")}, "Invalid login token"),
    "S1.12 an answer to a request": (lambda w: {SAML_ARN: w.assertion(in_response_to="_asked")}, "Invalid login token"),
    "S1.12 another issuer": (lambda w: {SAML_ARN: w.assertion(issuer="https://other.example")}, "Invalid login token"),
    "S1.12 not base64": (lambda w: {SAML_ARN: "<Response/>"}, "Invalid login token"),
    "S1.12 another provider's ARN": (lambda w: {SAML_ARN + "x": w.assertion()}, SUPPORTED),
    "S1.13 Facebook: other app": (lambda w: {"graph.facebook.com": "fb-other"}, "Invalid login token"),
    "S1.13 Facebook: unknown": (lambda w: {"graph.facebook.com": "nothing"}, "Invalid login token"),
    "S1.13 Facebook: injection": (lambda w: {"graph.facebook.com": "fb-token&input_token=fb-other"}, "Invalid login token"),
    "S1.13 Amazon: other app": (lambda w: {"www.amazon.com": "amzn-other"}, "Invalid login token"),
    "S1.13 X: wrong secret": (lambda w: {"api.twitter.com": "x-token;wrong"}, "Invalid login token"),
    "S1.13 X: no secret": (lambda w: {"api.twitter.com": "x-token"}, "Invalid login token"),
    "one bad login beside a good one": (
        lambda w: {"graph.facebook.com": "fb-token", "www.amazon.com": "amzn-other"},
        "Invalid login token",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_proves_nothing_is_refused(world: Everybody, name: str) -> None:
    make, words = REFUSED[name]
    with pytest.raises(NotAuthorized) as refused:
        world.verify(make(world))
    assert words in refused.value.public


def test_an_expired_token_of_ours_says_when_it_ended(world: Everybody) -> None:
    token = world.tokens()["id_token"]
    assert world.verify({USERS: token})
    world.broker.clock.advance(seconds=3601)
    with pytest.raises(NotAuthorized, match="expired") as refused:
        world.verify({USERS: token})
    assert refused.value.public.startswith("Invalid login token. Token expired: ")


def test_an_assertion_is_good_for_each_operation_once(world: Everybody) -> None:
    token = world.assertion(assertion_id="_once")
    assert world.verify({SAML_ARN: token}, "GetId")
    assert world.verify({SAML_ARN: token}, "GetCredentialsForIdentity")
    for operation in ("GetId", "GetCredentialsForIdentity"):
        with pytest.raises(NotAuthorized):
            world.verify({SAML_ARN: token}, operation)


def test_an_assertion_is_stale_after_five_minutes(world: Everybody) -> None:
    token = world.assertion(assertion_id="_stale")
    world.broker.clock.advance(seconds=400)
    with pytest.raises(NotAuthorized):
        world.verify({SAML_ARN: token})


def test_a_provider_that_is_away_is_an_external_error(world: Everybody) -> None:
    world.social.status = 503
    try:
        with pytest.raises(ExternalService):
            world.verify({"graph.facebook.com": "fb-token"})
    finally:
        world.social.status = None


def test_the_server_side_check_asks_for_the_session(world: Everybody) -> None:
    tokens = world.tokens("corponly")
    assert world.verify({USERS: tokens["id_token"]})
    kit = world.broker.wired.kit
    (sub,) = {world.verify({USERS: tokens["id_token"]})[0].subject}
    with kit.store.unit() as unit:
        unit.refreshes.revoke(POOL, user_sub=sub)
    with pytest.raises(NotAuthorized) as refused:
        world.verify({USERS: tokens["id_token"]})
    assert refused.value.public == "Token is inactive"


@pytest.mark.parametrize("logins", [{str(number): "x" for number in range(11)}, {USERS: "x" * 50_001}], ids=["many", "long"])
def test_too_much_is_refused_before_it_is_read(world: Everybody, logins: dict[str, str]) -> None:
    with pytest.raises(InvalidParameter):
        world.verify(logins)


def test_google_may_be_an_openid_provider_with_several_clients(world: Everybody) -> None:
    """As AWS advises for several client ids (spec D.1): the key is then that provider's."""
    kit, token = world.broker.wired.services.access.kit, world.oidc_token()
    with kit.base.store.unit() as unit:
        unit.oidc_providers.put(OidcProvider("accounts.google.com", ("one", "two"), owner="api"))
    world.broker.clock.advance(seconds=2)
    bare = replace(world.pool, social={}, oidc_providers=(oidc_provider(ACCOUNT, "accounts.google.com"),))
    for pool, words in (
        (bare, "Issuer doesn't match"),
        (replace(bare, oidc_providers=()), SUPPORTED),
        (world.pool, "Issuer doesn't match"),
    ):
        with pytest.raises(NotAuthorized) as refused:
            verify_logins(kit, pool, {"accounts.google.com": token})
        assert words in refused.value.public


def test_s1_12_a_pool_may_want_assertions_made_for_it_alone(world: Everybody) -> None:
    """Two pools that trust one IdP: what was made for the one is worth nothing at the other."""
    kit, urn, there = world.broker.wired.services.access.kit, "urn:example:staff", "https://staff.example/saml"
    bound = replace(world.pool, saml_audiences={SAML_ARN: urn}, saml_recipients={SAML_ARN: there})
    made = {"audience": urn, "acs": there}
    (proof,) = verify_logins(kit, bound, {SAML_ARN: world.assertion(assertion_id="_bound", **made)})
    assert (proof.audience, proof.roles) == (urn, (READER,))
    for pool, changes in ((bound, {}), (bound, {"audience": urn}), (bound, {"acs": there}), (world.pool, made)):
        with pytest.raises(NotAuthorized):
            verify_logins(kit, pool, {SAML_ARN: world.assertion(assertion_id=f"_free{len(changes)}{pool is bound}", **changes)})
    assert verify_logins(kit, world.pool, {SAML_ARN: world.assertion(assertion_id="_unbound")})


def test_every_refusal_is_one_of_the_api(world: Everybody) -> None:
    for make, _ in REFUSED.values():
        with pytest.raises(ApiError):
            world.verify(make(world))
