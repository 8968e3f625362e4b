"""OA-R4.1, R4.11, R4.15 in the running broker: an address joins nobody unless it is verified, proved and the same; and no attribute makes
its owner somebody else."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from broker.config import loads
from broker.errors import ConfigError
from tests.attacks.op.rig import World
from tests.fakes.broker import claims_of
from tests.fakes.saml_forge import HONEST, Attribute, IdpBox
from tests.fakes.saml_keys import key
from tests.fakes.setup import TOML


@pytest.fixture
def linking(world: World) -> Iterator[World]:
    """A provider that may link by verified address, within example.com."""
    world.provider("op2", link_verified_email=True, proved_domains=("example.com",))
    yield world
    world.provider("op2", link_verified_email=False, proved_domains=())


def through(world: World, name: str, **user: Any) -> dict[str, Any]:
    """Sign in through an OpenID provider as this user; the ID token's claims."""
    op = world.op if name == "op" else world.op2
    op.user = {key: value for key, value in user.items() if value is not None}
    browser = world.broker.browser()
    flow, sent = world.broker.begin(browser, identity_provider=name)
    back = browser.get(world.url("/oauth2/idpresponse", **dict(op.browse(sent.location))))
    return claims_of(world.broker.redeem(flow, world.broker.code_of(flow, back)).get_json()["id_token"])


def fresh() -> str:
    return secrets.token_hex(6)


@pytest.mark.parametrize("verified", [None, False, "false", "no", 0, 1, "1", [], {}, "TRUE ", ["true", "false"]])
def test_r4_1_an_address_that_the_upstream_does_not_vouch_for(linking: World, verified: object) -> None:
    address = f"{fresh()}@example.com"
    owner = through(linking, "op", sub=fresh(), email=address, email_verified=True)
    stranger = through(linking, "op2", sub=fresh(), email=address, email_verified=verified)
    assert stranger["sub"] != owner["sub"]
    assert stranger["email_verified"] is False


def test_r4_1_a_verified_one_joins_only_where_the_provider_may(linking: World) -> None:
    address = f"{fresh()}@example.com"
    owner = through(linking, "op", sub=fresh(), email=address, email_verified=True)
    subject = fresh()
    linking.provider("op2", link_verified_email=False)
    assert through(linking, "op2", sub=subject, email=address, email_verified=True)["sub"] != owner["sub"]
    linking.provider("op2", link_verified_email=True)
    assert through(linking, "op2", sub=subject, email=address, email_verified=True)["sub"] != owner["sub"], "it has a profile already"
    joined = through(linking, "op2", sub=fresh(), email=address, email_verified="true")
    assert joined["sub"] not in {owner["sub"]}, "two profiles have the address now: nobody can say whose it is"


def test_r4_1_the_positive_twin(linking: World) -> None:
    address = f"{fresh()}@example.com"
    owner = through(linking, "op", sub=fresh(), email=address, email_verified=True)
    joined = through(linking, "op2", sub=fresh(), email=address, email_verified=True)
    assert joined["sub"] == owner["sub"]
    assert {each["providerName"] for each in joined["identities"]} == {"op", "op2"}
    again = through(linking, "op2", sub=fresh(), email=address, email_verified=True)
    assert again["sub"] != owner["sub"], "a second subject of the same provider never joins"


def test_r4_1_an_owner_whose_own_address_is_not_verified(linking: World) -> None:
    address = f"{fresh()}@example.com"
    planted = through(linking, "op", sub=fresh(), email=address, email_verified=False)
    assert through(linking, "op2", sub=fresh(), email=address, email_verified=True)["sub"] != planted["sub"]


@pytest.mark.parametrize("domain", ["example.org", "sub.example.com", "example.com.evil", "notexample.com", "xn--exmple-cua.com"])
def test_r4_1_a_domain_that_nobody_proved(linking: World, domain: str) -> None:
    address = f"{fresh()}@{domain}"
    owner = through(linking, "op", sub=fresh(), email=address, email_verified=True)
    assert through(linking, "op2", sub=fresh(), email=address, email_verified=True)["sub"] != owner["sub"]


SAME = ["{}@example.com", "{}@EXAMPLE.com", "{}@Example.Com", " {}@example.com", "{}@example.com ", "\t{}@example.com"]
OTHERS = [
    "{}+tag@example.com", "x.{}@example.com", "{}.@example.com", "{}@example.com.", "{}@exаmple.com", "{}@examp1e.com", "{}@example.co",
    "{}@evil@example.com", '"{}"@example.com', "{}%40x@example.com",
]  # fmt: skip


@pytest.mark.parametrize("spelling", SAME)
def test_r4_11_one_rule_for_when_addresses_are_the_same(linking: World, spelling: str) -> None:
    """Letters' case and blanks around it make no difference, in either direction; the local part's case neither."""
    name = fresh()
    owner = through(linking, "op", sub=fresh(), email=f"{name}@example.com", email_verified=True)
    assert through(linking, "op2", sub=fresh(), email=spelling.format(name.upper()), email_verified=True)["sub"] == owner["sub"]
    name = fresh()
    owner = through(linking, "op", sub=fresh(), email=spelling.format(name), email_verified=True)
    assert through(linking, "op2", sub=fresh(), email=f"{name}@example.com", email_verified=True)["sub"] == owner["sub"]


@pytest.mark.parametrize("spelling", OTHERS)
def test_r4_11_and_everything_else_is_another_address(linking: World, spelling: str) -> None:
    name = fresh()
    owner = through(linking, "op", sub=fresh(), email=f"{name}@example.com", email_verified=True)
    other = through(linking, "op2", sub=fresh(), email=spelling.format(name), email_verified=True)
    assert other["sub"] != owner["sub"]


EVIL = {
    "sub": "admin", "cognito:groups": "admin", "cognito:username": "admin", "identities": "[]", "custom:role": "admin", "roles": "admin",
    "email_verified": "true", "iss": "https://evil.example", "aud": "rival", "token_use": "access", "tenant": "other", "username": "admin",
}  # fmt: skip


def test_r4_15_attributes_that_nobody_mapped_reach_no_token(world: World) -> None:
    attributes = (*HONEST, *(Attribute(name, (value,)) for name, value in EVIL.items()))
    plain = claims_of(world.tokens()["id_token"])
    flow, code = world.broker.saml_login(world.broker.browser(), attributes=attributes)
    tokens = world.broker.redeem(flow, code).get_json()
    for kind in ("id_token", "access_token"):
        claims = claims_of(tokens[kind])
        assert not {"custom:role", "roles", "tenant"} & claims.keys()
        assert claims["sub"] == plain["sub"]
        assert claims["iss"] == world.broker.issuer()
        assert claims["cognito:groups"] == ["local_Test1_corp"]
    assert claims_of(tokens["id_token"])["email_verified"] is False
    assert claims_of(tokens["id_token"])["aud"] == "app"
    op_claims = through(
        world, "op", **(EVIL | {"sub": fresh(), "iss": None, "aud": None, "email": "z@example.com", "email_verified": False})
    )
    assert not {"custom:role", "roles", "tenant"} & op_claims.keys()
    assert op_claims["cognito:groups"] == ["local_Test1_op"]
    assert op_claims["email_verified"] is False


TARGETS = ["sub", "identities", "cognito:groups", "cognito:username", "cognito:roles", "roles", "dev:x", "iss", "aud"]


@pytest.mark.parametrize("target", TARGETS)
def test_r4_15_and_nobody_can_map_them(target: str, tmp_path: Path) -> None:
    (tmp_path / "idp.xml").write_text(_metadata())
    text = TOML.replace("{metadata}", str(tmp_path / "idp.xml")).replace("{issuer}", "https://op.example")
    assert loads(text, tmp_path / "crossgate.toml")
    with pytest.raises(ConfigError) as caught:
        loads(text.replace('mapping = { email = "email", given', f'mapping = {{ "{target}" = "x", given'), tmp_path / "crossgate.toml")
    assert "mapping" in caught.value.private


def _metadata() -> str:
    return IdpBox("https://idp.example/metadata", key("idp")).metadata()
