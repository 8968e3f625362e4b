"""`crossgate explain` on a file, a store and tokens: what it says, and what it must never say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from broker.cli import crossgate
from tests.attacks.identitypool.pools import ACCESS, IDENTITY_POOL, READER, SAML_ARN, USERS, Everybody, everybody
from tests.fakes.setup import TOML
from tests.unit.cli.room import Room

DEMO = f"""
[aws]
account_id = "123456789012"
region = "eu-west-1"

[[user_pool]]
id = "eu_Demo"
[[user_pool.client]]
id = "app"
secret = "s"
redirect_uris = ["https://app.example/cb"]

[[role]]
name = "marketing"
policies = [{{ name = "read", document = '''{{"Version":"2012-10-17","Statement":[{{"Sid":"Read","Effect":"Allow","Action":"reports:Get",
  "Resource":"arn:aws:reports:::${{aws:PrincipalTag/department}}/*"}}]}}''' }}]
[[role]]
name = "guest"

[[identity_pool]]
id = "{IDENTITY_POOL}"
name = "Demo"
guests = true
guest_role = "guest"
[[identity_pool.user_pool]]
id = "eu_Demo"
client = "app"
role_from = "rules"
rules = [
  {{ claim = "department", value = "sales", role = "guest" }},
  {{ claim = "department", match = "StartsWith", value = "market", role = "marketing" }},
]
tags = {{ department = "department", team = "team" }}
"""
KEY = "cognito-idp.eu-west-1.amazonaws.com/eu_Demo"
MARIA = {"sub": "maria", "department": "marketing [red]"}
MARIA_AT_WORK = {"sub": "maria", "department": "marketing"}


@pytest.fixture
def shop(room: Room) -> Room:
    room.write(DEMO)
    assert room.run("apply").exit_code == 0
    return room


def claims(room: Room, said: object) -> str:
    path = room.folder / "claims.json"
    path.write_text(json.dumps(said))
    return str(path)


def asked(room: Room, *words: str) -> Result:
    return room.run("explain", "--identity-pool", IDENTITY_POOL, *words)


def test_words_for_people(shop: Room) -> None:
    resource = "arn:aws:reports:::marketing/q3"
    done = asked(shop, "--claims", claims(shop, MARIA_AT_WORK), "--provider", KEY, "--action", "reports:Get", "--resource", resource)
    assert done.exit_code == 0, done.stderr
    lines = [line.strip() for line in done.stdout.splitlines()]
    assert f"Demo  {IDENTITY_POOL}" in lines
    assert f"note assumed, not verified: {KEY} (user_pool), subject maria, for app" in lines
    assert "Identity  new" in lines
    assert "Role  arn:aws:iam::123456789012:role/marketing" in lines
    assert (
        "no   rule 1: department Equals 'sales': it does not match (it is text of 9 characters) -> arn:aws:iam::123456789012:role/guest"
        in lines
    )
    assert "yes  rule 2: department StartsWith 'market': it matches -> arn:aws:iam::123456789012:role/marketing" in lines
    assert "yes  department = marketing, from the claim department" in lines
    assert "no   team: the claim is missing (team)" in lines
    assert "yes  statement 0 of trust policy marketing allows sts:AssumeRoleWithWebIdentity" in lines
    right = "Allow reports:Get on arn:aws:reports:::${aws:PrincipalTag/department}/*   [identity read, statement 0 (Read)]"
    assert right in lines
    assert "yes  statement 0 (Read) of identity policy read allows reports:Get" in lines
    assert lines[-1] == "yes  credentials of arn:aws:iam::123456789012:role/marketing for 3600 seconds"


def test_a_refusal_names_its_step_and_markup_is_text(shop: Room) -> None:
    done = asked(shop, "--claims", claims(shop, MARIA), "--provider", KEY)
    assert done.exit_code == 0
    assert "refused at the step tags: " in done.stdout
    assert "the application hears: Principal tags are not valid" in done.stdout
    denied = asked(shop, "--claims", claims(shop, {"sub": "x"}), "--provider", KEY)
    assert "refused at the step role: " in denied.stdout
    custom = asked(shop, "--claims", claims(shop, MARIA_AT_WORK), "--provider", KEY, "--custom-role", "arn:aws:iam::123456789012:role/[b]x")
    assert "it matches, but gives another role than was asked for" in custom.stdout


def test_one_object_for_programs(shop: Room) -> None:
    done = asked(shop, "--guest", "--json", "--action", "s3:GetObject", "--context", "aws:SourceIp=192.0.2.1")
    found = json.loads(done.stdout)
    assert (found["credentials"], found["role_arn"]) == (True, "arn:aws:iam::123456789012:role/guest")
    assert found["limited_as_guest"]
    assert (found["tried"]["allowed"], found["tried"]["reason"]) == (False, "no identity policy allows s3:GetObject")
    assert "nothing, so nothing is allowed" in asked(shop, "--guest").stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "give one of --token, --claims and --guest"),
        (("--guest", "--claims", "FILE"), "give one of --token, --claims and --guest"),
        (("--claims", "LIST"), "must hold one JSON object"),
        (("--claims", "missing.json"), "No such file"),
        (("--guest", "--context", "team"), "KEY=VALUE"),
    ],
)
def test_what_is_asked_wrongly(shop: Room, words: tuple[str, ...], said: str) -> None:
    files = {"FILE": claims(shop, MARIA), "LIST": str(shop.folder / "list.json")}
    Path(files["LIST"]).write_text("[1]")
    done = asked(shop, *(files.get(word, word) for word in words))
    assert done.exit_code == 2
    assert said in done.stderr


def test_what_cannot_be_told_is_a_line(shop: Room) -> None:
    done = asked(shop, "--claims", claims(shop, MARIA))
    assert done.exit_code == 1
    assert done.stderr.splitlines()[-1].endswith(f"say whose it is with --provider, one of: {KEY}")
    unknown = shop.run("explain", "--identity-pool", "eu-west-1:00000000-0000-4000-8000-000000000000", "--guest")
    assert unknown.exit_code == 1


# --- with real tokens -------------------------------------------------------------------------------------------------------------------


def told(world: Everybody, token: str, *words: str) -> Result:
    file = str(world.broker.config.path)
    call = ("explain", "--identity-pool", IDENTITY_POOL, "--config", file, "--token", "-", *words)
    return CliRunner().invoke(crossgate, call, input=token)


def test_tokens_find_their_provider_and_are_never_printed(tmp_path: Path) -> None:
    with everybody(tmp_path) as world:
        given = {"issuer": world.op.issuer, "social": world.social.url, "metadata": str(tmp_path / "idp.xml")}
        toml = TOML + ACCESS.replace("{{", "{").replace("}}", "}")
        for name, value in given.items():
            toml = toml.replace(f"{{{name}}}", value)
        world.broker.config.path.write_text(toml)
        made: dict[str, str] = {
            USERS: world.tokens()["id_token"],
            world.oidc_key: world.oidc_token(),
            "accounts.google.com": world.oidc_token(iss="https://accounts.google.com", aud="google-app"),
            SAML_ARN: world.assertion(assertion_id="_cli"),
        }
        for key, token in made.items():
            for words in ((), ("--json",)):
                done = told(world, token + "\n", *words)
                assert done.exit_code == 0, done.stderr
                assert key in done.stdout
                assert READER in done.stdout
                assert not any(part in done.output for part in token.split(".") if len(part) > 20)
        spoiled = made[USERS][:-6] + "AAAAAA"
        answer: dict[str, Any] = json.loads(told(world, spoiled, "--json").stdout)
        assert (answer["credentials"], answer["refusal"]["stage"], answer["role_arn"]) == (False, "login", None)
        assert "it does not count" in told(world, spoiled).stdout
        assert told(world, "fb-token", "--provider", "graph.facebook.com").exit_code == 0
        assert told(world, "fb-token").exit_code == 1
