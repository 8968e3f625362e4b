"""Ways to a role: none is left out, blocked ones say why, and a baseline notices what is wider and nothing else."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path as FilePath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.config import declare, loads
from broker.flows.identity.get_credentials import SESSION_NAME
from broker.flows.identity.role_reach import reach_in
from broker.identitypool.claims import matches
from broker.identitypool.policy.context import ContextKeys, Principal, RequestContext
from broker.identitypool.policy.document import parse_policy
from broker.identitypool.policy.evaluate import Policies, judge
from broker.identitypool.policy.trust import Assumption, may_assume
from broker.identitypool.reach import entries
from broker.identitypool.reach.gates import Facts, Question, gate
from broker.identitypool.reach.path import Path, implies, path_of
from broker.identitypool.reach.search import new_paths
from broker.identitypool.reach.world import World
from broker.model.declared import Declared
from broker.model.iam import ManagedPolicy, Role
from broker.model.identity import MatchType

ACCOUNT = "123456789012"
BASE = "https://id.example/identity"
POOL = "eu-west-1:11111111-1111-4111-8111-111111111111"
ISSUER = f"id.example/identity/{POOL.partition(':')[2]}"
COGNITO = "cognito-identity.amazonaws.com"
USERS = "cognito-idp.eu-west-1.amazonaws.com/eu_Demo:app"


def arn(name: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def lets(principal: Any, action: str | list[str], **conditions: dict[str, Any]) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": principal, "Action": action, **({"Condition": conditions} if conditions else {})}


def role(name: str, trust: str = "", policy: str = "") -> str:
    text = f'[[role]]\nname = "{name}"\n' + (f"trust = '''{trust}'''\n" if trust else "")
    return text + (f"policies = [{{ name = \"own\", document = '''{policy}''' }}]\n" if policy else "")


def users(choice: str = "", **more: str) -> str:
    pool = f"""
[[user_pool]]
id = "eu_Demo"
{more.get("users", "")}
[[user_pool.client]]
id = "app"
secret = "s"
redirect_uris = ["https://app.example/cb"]
providers = ["Hub"]
{more.get("client", "")}
[[user_pool.provider]]
name = "Hub"
kind = "github"
client_id = "c"
client_secret = "hush"
{more.get("groups", "")}
"""
    return pool + identity_pool(f'[[identity_pool.user_pool]]\nid = "eu_Demo"\nclient = "app"\n{choice}', more.get("pool", ""))


def identity_pool(providers: str = "", keys: str = "") -> str:
    return f'[[identity_pool]]\nid = "{POOL}"\nname = "Demo"\n{keys}\n{providers}\n'


def world_of(*toml: str, **changes: Any) -> World:
    head = f'[server]\npublic_url = "https://id.example"\n[aws]\naccount_id = "{ACCOUNT}"\nregion = "eu-west-1"\n'
    config = loads(head + "\n".join(toml), FilePath("crossgate.toml"), {})
    return replace(World(declare(config), ACCOUNT, BASE), **changes)


def ways(world: World, name: str) -> tuple[Path, ...]:
    return reach_in(world, name)[1]


def told(paths: tuple[Path, ...]) -> list[tuple[str, str, tuple[str, ...], str]]:
    return [(path.kind, path.provider or path.source, path.where, path.blocked) for path in paths]


OWN_PROFILE = 'scopes = ["openid", "aws.cognito.signin.user.admin"]\n'
RULES = """role_from = "rules"
rules = [
  { claim = "department", value = "sales", role = "other" },
  { claim = "department", match = "StartsWith", value = "market", role = "boss" },
  { claim = "given_name", value = "Ada", role = "boss" },
]
"""


def test_rules_whatever_their_order_and_what_users_write_themselves() -> None:
    found = ways(world_of(role("boss"), role("other"), users(RULES, client=OWN_PROFILE)), "boss")
    assert told(found) == [
        ("rule", USERS, ('claim department StartsWith "market"',), ""),
        ("rule", USERS, ('claim given_name Equals "Ada"',), ""),
    ]
    assert [path.self_written for path in found] == ["", "users of app client app may write it"]
    assert found[0].through == ("Hub",)


def test_defaults_and_what_is_given_where_nothing_decides() -> None:
    keys = 'authenticated_role = "boss"\nguests = true\nguest_role = "boss"\ndeveloper_provider = "login.backend"'
    found = ways(world_of(role("boss"), users(pool=keys)), "boss")
    assert told(found) == [("default", USERS, (), ""), ("developer", "login.backend", (), ""), ("guest", POOL, (), "")]
    ambiguous = ways(world_of(role("boss"), role("other"), users('ambiguous = "authenticated"\n' + RULES, pool=keys)), "other")
    assert [path.kind for path in ambiguous] == ["rule"]
    found = ways(world_of(role("boss"), role("other"), users('ambiguous = "authenticated"\n' + RULES, pool=keys)), "boss")
    nothing = next(path for path in found if path.kind == "ambiguous")
    assert len(nothing.where) == 3
    assert all(words.startswith("not claim ") for words in nothing.where)


def test_groups_hooks_and_tokens_of_others() -> None:
    groups = "\n".join(
        f'[[user_pool.group]]\nname = "{name}"\nprecedence = {rank}\nrole_arn = "{arn("boss")}"'
        for rank, name in enumerate(("admins", "ops"))
    )
    found = ways(world_of(role("boss"), users('role_from = "token"', groups=groups)), "boss")
    assert [path.where for path in found] == [("member of group admins of eu_Demo",), ("member of group ops of eu_Demo",)]
    other = '[[oidc_provider]]\nissuer = "https://op.example"\nclient_ids = ["a", "b"]\n'
    openid = identity_pool('[[identity_pool.oidc]]\nissuer = "https://op.example"\nrole_from = "token"\n')
    trust = document(lets({"Federated": COGNITO}, "sts:AssumeRoleWithWebIdentity", StringEquals={f"{COGNITO}:aud": POOL}))
    (token,) = ways(world_of(other, openid, role("boss", trust)), "boss")
    assert (token.kind, token.through, token.blocked) == ("token", ("a", "b"), "")


def test_a_trust_policy_that_refuses_blocks_and_says_why() -> None:
    keys = 'authenticated_role = "boss"'
    elsewhere = POOL[:-1] + "2"
    cases = {
        document(lets({"Federated": COGNITO}, "sts:AssumeRoleWithWebIdentity", StringEquals={f"{COGNITO}:aud": elsewhere})): "no statement",
        document(
            lets(
                {"Federated": COGNITO},
                "sts:AssumeRoleWithWebIdentity",
                StringEquals={f"{COGNITO}:aud": POOL},
                **{"ForAnyValue:StringLike": {f"{COGNITO}:amr": "unauthenticated"}},
            )
        ): "no statement",
        document(
            lets({"Federated": COGNITO}, "sts:*", StringEquals={f"{COGNITO}:aud": POOL}),
            {"Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRoleWithWebIdentity"},
        ): "statement 1",
    }
    for trust, why in cases.items():
        (path,) = ways(world_of(role("boss", trust), users(pool=keys)), "boss")
        assert (path.kind, path.blocked.startswith(why)) == ("default", True), path.blocked
    world = world_of(role("boss"), users(pool=keys))
    gone = replace(world, records=replace(world.records, clients=()))
    (path,) = ways(gone, "boss")
    assert "app client" in path.blocked
    (path,) = ways(world_of(role("boss"), users(pool='guest_role = "boss"')), "boss")
    assert path.blocked == "guests are off in this pool"


def test_what_hangs_on_the_person_is_a_condition() -> None:
    trust = document(
        lets({"Federated": ISSUER}, "sts:*", StringEquals={f"{ISSUER}:aud": POOL}, StringLike={f"{COGNITO}:sub": "eu-west-1:7*"}),
        {"Effect": "Deny", "Principal": "*", "Action": "sts:*", "Condition": {"DateLessThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}},
    )
    (path,) = ways(world_of(role("boss", trust), users(pool='authenticated_role = "boss"')), "boss")
    assert path.where == (
        f'StringLike {COGNITO}:sub ["eu-west-1:7*"]',
        'unless DateLessThan aws:CurrentTime ["2020-01-01T00:00:00Z"]',
    )


def test_tags_need_leave_of_their_own() -> None:
    untagged = document(lets({"Federated": COGNITO}, "sts:AssumeRoleWithWebIdentity", StringEquals={f"{COGNITO}:aud": POOL}))
    keys = 'authenticated_role = "boss"'
    (always,) = ways(world_of(role("boss", untagged), users("default_tags = true", pool=keys)), "boss")
    assert always.blocked.endswith("allows sts:TagSession")
    (perhaps,) = ways(world_of(role("boss", untagged), users('tags = { team = "team" }', pool=keys)), "boss")
    assert perhaps.where == ("no claim for a principal tag is there",)
    (never,) = ways(world_of(role("boss", untagged), users(pool=keys)), "boss")
    assert (never.where, never.blocked) == ((), "")
    # A backend gives its users the tags that it likes, and a second login may bring those of its own map.
    tagged = document(
        lets({"Federated": COGNITO}, "sts:*", StringEquals={f"{COGNITO}:aud": POOL, "aws:RequestTag/team": "web"}),
    )
    backend = keys + '\ndeveloper_provider = "login.backend"'
    found = ways(world_of(role("boss", tagged), users(pool=backend)), "boss")
    assert [(path.kind, bool(path.blocked)) for path in found] == [("developer", False), ("default", True)]
    second = 'id = "eu_Demo"\nclient = "app"\n[[identity_pool.social]]\nhost = "www.amazon.com"\napp_id = "a"\ntags = { team = "t" }\n'
    found = ways(world_of(role("boss", tagged), users(pool=keys).replace('id = "eu_Demo"\nclient = "app"\n', second)), "boss")
    assert [path.blocked for path in found] == ["", ""]


def test_the_classic_flow_leads_to_whatever_trusts_the_pool() -> None:
    bound = lets(
        {"Federated": COGNITO},
        "sts:AssumeRoleWithWebIdentity",
        StringEquals={f"{COGNITO}:aud": POOL},
        **{"ForAnyValue:StringLike": {f"{COGNITO}:amr": "authenticated"}},
    )
    loose = {**bound, "Condition": {"StringEquals": {f"{COGNITO}:aud": POOL}}}
    classic = "classic_flow = true\nguests = true"
    assert told(ways(world_of(role("boss", document(bound)), users(pool=classic)), "boss")) == [("classic", USERS, (), "")]
    assert told(ways(world_of(role("boss", document(bound)), users()), "boss")) == []
    assert told(ways(world_of(role("boss", document(loose)), users(pool=classic)), "boss")) == []


OP = '[[oidc_provider]]\nissuer = "https://op.example"\nclient_ids = ["web", "cli"]\n'
SAML = '[[saml_provider]]\nname = "corp"\nmetadata = "<x/>"\n'


def test_tokens_and_assertions_brought_to_sts() -> None:
    op, corp = f"arn:aws:iam::{ACCOUNT}:oidc-provider/op.example", f"arn:aws:iam::{ACCOUNT}:saml-provider/corp"
    trust = document(
        lets(
            {"Federated": op},
            "sts:AssumeRoleWithWebIdentity",
            StringEquals={"op.example:aud": "cli"},
            StringLike={"op.example:sub": "repo:*"},
        ),
        lets({"Federated": corp}, "sts:AssumeRoleWithSAML", StringEquals={"saml:aud": "https://signin.aws.amazon.com/saml"}),
    )
    found = ways(world_of(OP, SAML, role("boss", trust)), "boss")
    assert told(found) == [("web_identity", op, ('StringLike op.example:sub ["repo:*"]',), ""), ("saml", corp, (), "")]
    assert found[0].through == ("cli",)
    wrong = trust.replace("https://signin.aws.amazon.com/saml", "https://elsewhere.example")
    assert [path.kind for path in ways(world_of(OP, SAML, role("boss", wrong)), "boss")] == ["web_identity"]


MAY = document({"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": arn("*")})


def test_chains_of_roles() -> None:
    root = f"arn:aws:iam::{ACCOUNT}:root"
    first = users(pool='authenticated_role = "first"')
    second = role("second", document(lets({"AWS": arn("first")}, "sts:AssumeRole")))
    boss = role("boss", document(lets({"AWS": root}, "sts:AssumeRole", StringEquals={"sts:ExternalId": "x"})))
    found = ways(world_of(role("first"), role("second", document(lets({"AWS": arn("first")}, "sts:AssumeRole")), MAY), boss, first), "boss")
    condition = ('StringEquals sts:ExternalId ["x"]',)
    assert [(path.kind, path.source, path.where, path.then) for path in found] == [
        ("assume_role", arn("second"), condition, ()),
        ("operator", root, condition, ()),
        ("assume_role", arn("first"), (), (arn("boss"),)),
        ("default", POOL, (), (arn("second"), arn("boss"))),
    ]
    # An account's trust is for roles that may do it by their own policies.
    assert [path.kind for path in ways(world_of(role("first"), second, boss, first), "boss")] == ["operator"]
    (hop,) = [path for path in ways(world_of(role("first", policy=document(DENY)), second, boss, first), "second") if not path.then]
    assert hop.blocked.startswith("statement 0 of policies of first: own denies")


DENY = {"Effect": "Deny", "Action": "sts:*", "Resource": "*"}


def test_a_session_of_one_name_and_a_boundary() -> None:
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/first/night"
    (hop,) = ways(world_of(role("first"), role("boss", document(lets({"AWS": session}, "sts:AssumeRole")))), "boss")
    assert (hop.where, hop.blocked) == (("the session is called night",), "")
    named = role("boss", document(lets({"AWS": arn("first")}, "sts:AssumeRole")))
    limit = f"[[policy]]\nname = \"limit\"\ndocument = '''{document({'Effect': 'Allow', 'Action': 's3:*', 'Resource': '*'})}'''\n"
    limited = role("first") + 'permissions_boundary = "limit"\n'
    (hop,) = ways(world_of(limit, limited, named), "boss")
    assert hop.blocked == "no statement of boundary allows sts:AssumeRole"
    (hop,) = ways(world_of(role("first"), named), "boss")
    assert hop.blocked == ""


def test_another_sts_judges_for_itself() -> None:
    world = world_of(users(pool=f'authenticated_role = "{arn("away")}"'), embedded=False)
    (path,) = ways(world, arn("away"))
    assert (path.kind, path.where) == ("default", ("the other STS lets it in",))
    assert entries.SESSION_NAME == SESSION_NAME


# --- the baseline -----------------------------------------------------------------------------------------------------------------------


def rule(text: str, more: str = "") -> str:
    return f'role_from = "rules"\nrules = [{{ {text}, role = "boss" }}{more}]\n'


PLAIN = 'claim = "team", value = "admins"'
CHANGES: dict[str, tuple[str, str, bool]] = {
    "nothing": (PLAIN, PLAIN, False),
    "another value": (PLAIN, 'claim = "team", value = "users"', True),
    "another claim": (PLAIN, 'claim = "custom:team", value = "admins"', True),
    "a weaker match": (PLAIN, 'claim = "team", match = "StartsWith", value = "adm"', True),
    "a stricter match": ('claim = "team", match = "StartsWith", value = "adm"', PLAIN, False),
    "a shorter start": ('claim = "team", match = "StartsWith", value = "adm"', 'claim = "team", match = "StartsWith", value = "a"', True),
    "contained": ('claim = "team", match = "Contains", value = "min"', 'claim = "team", match = "StartsWith", value = "admin"', False),
    "not equal": (PLAIN, 'claim = "team", match = "NotEqual", value = "users"', True),
    "an expression": ('expression = "claims.a == 1"', 'expression = "claims.a >= 1"', True),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_weaker_rule_is_wider(change: str) -> None:
    before, after, wider = CHANGES[change]
    old, new = (ways(world_of(role("boss"), users(rule(text))), "boss") for text in (before, after))
    assert bool(new_paths(old, new)) is wider


def test_what_else_is_wider_and_what_is_not() -> None:
    def at(choice: str = rule(PLAIN), **more: str) -> tuple[Path, ...]:
        trust = more.pop("trust", "")
        return ways(world_of(role("boss", trust), role("other"), users(choice, **more)), "boss")

    plain = at()
    second = ', { claim = "team", value = "admins", role = "other" }'
    assert not new_paths(plain, at(rule(PLAIN, second)))
    assert new_paths(plain, at(rule(PLAIN, second.replace("other", "boss").replace("admins", "x"))))
    assert new_paths(plain, at(pool='guests = true\nguest_role = "boss"'))
    assert not new_paths(at(pool='guests = true\nguest_role = "boss"'), plain)
    upstream = '[[user_pool.provider]]\nname = "Lab"\nkind = "github"\nclient_id = "c"\nclient_secret = "h"\n'
    assert not new_paths(plain, at(groups=upstream))
    more = [replace(path, through=("Hub", "Lab")) for path in plain]
    assert new_paths(plain, more)
    assert not new_paths(more, plain)
    written = OWN_PROFILE + 'write_attributes = ["nickname"]'
    nick = rule('claim = "nickname", value = "boss"')
    unwritten = written.replace("nickname", "name")
    assert new_paths(at(nick, client=unwritten), at(nick, client=written))
    assert not new_paths(at(nick, client=written), at(nick, client=unwritten))
    closed = at(trust=document(DENY | {"Principal": "*"} | {"Action": "sts:*"}).replace(', "Resource": "*"', ""))
    assert closed[0].blocked
    assert new_paths(closed, plain)
    assert not new_paths(plain, closed)


def test_a_deny_taken_out_and_values_added_are_wider() -> None:
    def at(*names: str, deny: bool) -> tuple[Path, ...]:
        allow = lets({"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/op.example"}, "sts:*", StringLike={"op.example:sub": list(names)})
        bar = {"Effect": "Deny", "Principal": "*", "Action": "sts:*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
        return ways(world_of(OP, role("boss", document(allow, *([bar] if deny else [])))), "boss")

    assert new_paths(at("a", deny=True), at("a", deny=False))
    assert not new_paths(at("a", deny=False), at("a", deny=True))
    assert new_paths(at("a", deny=True), at("a", "b", deny=True))
    assert not new_paths(at("a", "b", deny=True), at("a", deny=True))


def test_a_path_survives_json_and_nothing_else_is_one() -> None:
    found = ways(world_of(role("boss"), role("other"), users(RULES)), "boss")
    assert [path_of(json.loads(json.dumps(path.as_dict()))) for path in found] == list(found)
    good = found[0].as_dict()
    for bad in (1, {}, good | {"kind": "x"}, good | {"where": "x"}, good | {"more": "x"}, good | {"role": 1}, good | {"where": [1]}):
        with pytest.raises(ValueError, match="path"):
            path_of(bad)


MATCHES = st.sampled_from(["Equals", "Contains", "StartsWith", "NotEqual"])
SHORT = st.text("ab", min_size=1, max_size=3)


@given(MATCHES, SHORT, MATCHES, SHORT, st.one_of(st.text("ab", max_size=4), st.lists(st.text("ab", max_size=4), max_size=3)))
def test_what_is_called_stricter_is_so_for_every_claim(one: MatchType, a: str, two: MatchType, b: str, claim: object) -> None:
    if implies(f"claim c {one} {json.dumps(a)}", f"claim c {two} {json.dumps(b)}"):
        assert not matches(one, a, claim) or matches(two, b, claim)


# --- the half-known evaluator against the one that knows all ------------------------------------------------------------------------------

KEYS = ("aws:known", "aws:open", "x:absent", "x:amr")
OPERATORS = ("StringEquals", "StringNotEquals", "StringEqualsIfExists", "ForAnyValue:StringLike", "ForAllValues:StringEquals", "Null")
CONDITION = st.tuples(st.sampled_from(OPERATORS), st.sampled_from(KEYS), st.sampled_from(["a", "b", "unauthenticated", "*"]))
STATEMENT = st.tuples(
    st.sampled_from(["Allow", "Allow", "Deny"]), st.sampled_from(["sts:A", "sts:*", "s3:B"]), st.lists(CONDITION, max_size=3)
)
OPEN = st.one_of(st.none(), st.sampled_from(["a", "b"]), st.lists(st.sampled_from(["a", "b"]), min_size=1, max_size=2).map(tuple))


def statement(made: tuple[str, str, list[tuple[str, str, str]]]) -> dict[str, Any]:
    effect, action, conditions = made
    block: dict[str, dict[str, str]] = {}
    for operator, key, value in conditions:
        block.setdefault(operator, {})[key] = "true" if operator == "Null" else value
    return {"Effect": effect, "Principal": "*", "Action": action} | ({"Condition": block} if block else {})


@given(st.lists(STATEMENT, min_size=1, max_size=4), OPEN, st.lists(st.sampled_from(["a", "b"]), max_size=2), st.sampled_from(["a", "b"]))
def test_no_way_is_left_out_and_an_open_one_is_open(made: list[Any], value: Any, more: list[str], known: str) -> None:
    policy = parse_policy(document(*(statement(each) for each in made)), "trust")
    somebody = Principal.federated("x")
    facts = Facts({"aws:known": known, "x:amr": ("authenticated",)}, open=("aws:",), partly=frozenset({"x:amr"}))
    found = gate(Question("sts:A", "*", somebody, facts), [("p", policy)], what="policy")
    keys = {"aws:known": known, "x:amr": ("authenticated", *more)} | ({"aws:open": value} if value is not None else {})
    decision = judge(RequestContext("sts:A", "*", somebody, ContextKeys(keys)), Policies(resource=("p", policy), trust=True))
    if decision.allowed:
        assert found.ways
        assert decision.statement is not None
    if () in found.ways:
        assert decision.allowed


PRINCIPALS = [
    {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
    {"AWS": arn("first")},
    {"AWS": f"arn:aws:sts::{ACCOUNT}:assumed-role/first/night"},
    "*",
]
HOP_CONDITION = st.tuples(
    st.sampled_from(OPERATORS[:3]), st.sampled_from(["sts:ExternalId", "aws:PrincipalTag/t"]), st.sampled_from(["a", "b"])
)
HOP = st.tuples(
    st.sampled_from(["Allow", "Allow", "Deny"]), st.sampled_from(["sts:AssumeRole", "s3:Get"]), st.lists(HOP_CONDITION, max_size=1)
)


@given(
    st.lists(st.tuples(HOP, st.sampled_from(PRINCIPALS)), min_size=1, max_size=3),
    st.lists(st.tuples(HOP, st.sampled_from(["*", arn("boss"), arn("${aws:PrincipalTag/t}oss"), "arn:aws:s3:::x"])), max_size=3),
    st.one_of(st.none(), st.tuples(HOP, st.just("*"))),
    st.sampled_from(["day", "night"]),
    st.dictionaries(st.sampled_from(["sts:ExternalId", "aws:PrincipalTag/t"]), st.sampled_from(["a", "b"])),
)
def test_no_role_that_can_go_on_is_left_out(trusted: list[Any], own: list[Any], limit: Any, session: str, more: dict[str, str]) -> None:
    def written(made: Any, **element: Any) -> dict[str, Any]:
        return {name: value for name, value in (statement(made) | element).items() if value}

    trust = document(*(written(made, Principal=principal) for made, principal in trusted))
    policies = {"own": document(*(written(made, Principal=None, Resource=where) for made, where in own))} if own else {}
    now = datetime(2026, 11, 24, tzinfo=UTC)
    boundary = ManagedPolicy("limit", document(written(limit[0], Principal=None, Resource=limit[1]))) if limit else None
    boundary_arn = f"arn:aws:iam::{ACCOUNT}:policy/limit" if boundary else None
    first = Role("first", "AROAFIRST", document({"Effect": "Deny", "Principal": "*", "Action": "sts:*"}), now, policies=policies)
    records = Declared(
        roles=(replace(first, boundary=boundary_arn), Role("boss", "AROABOSS", trust, now)),
        managed_policies=(boundary,) if boundary else (),
    )
    hops = [path for path in ways(World(records, ACCOUNT, BASE), "boss") if path.kind == "assume_role" and not path.blocked]
    named = [(name, parse_policy(text, "identity")) for name, text in policies.items()]
    limits = (boundary.name, parse_policy(boundary.document, "managed")) if boundary else None
    asked = Assumption(arn("boss"), ("boss", parse_policy(trust, "trust")), Policies(identity=named, boundary=limits))
    principal = Principal.session(arn("first"), session)
    keys = {"aws:PrincipalArn": arn("first"), **more}
    allowed = may_assume(asked, principal, ("sts:AssumeRole",), keys).allowed
    at_night = ("the session is called night",)
    if allowed:
        assert [path for path in hops if path.where[:1] != at_night or session == "night" or len(path.where) > 1]
    # The way of any session is not that of one which the trust policy names in a Deny.
    if any(path.where == (at_night if session == "night" else ()) for path in hops):
        assert allowed
