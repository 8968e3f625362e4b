"""Claims -> principal tags (spec D.10, attacks IP-S2.1 to IP-S2.9)."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.identitypool.tag_names import tag_fault
from broker.identitypool.tags import TAGS_CLAIM, TagSet, make_tags
from broker.model.identity import IdentityPool, TagMap
from broker.model.sts import Proof

KEY = "cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Pool"
POOL = IdentityPool("eu-west-1:pool", "pool")


def login(kind: str = "user_pool", mapping_key: str = f"{KEY}:app", audience: str = "app", **claims: Any) -> Proof:
    return Proof(kind, KEY, "ada", mapping_key, {"aud": "app", "sub": "ada", **claims}, audience)  # type: ignore[arg-type]


def mapped(tags: dict[str, str], key: str = f"{KEY}:app") -> IdentityPool:
    return replace(POOL, tag_maps={key: TagMap(tags)})


def made(value: object) -> TagSet:
    return make_tags(mapped({"Department": "dept"}), (login(dept=value),))


@pytest.mark.parametrize(
    ("value", "tag"),
    [
        ("marketing", "marketing"),
        ("", ""),
        (5, "5"),
        (5.5, "5.5"),
        (True, "true"),
        (["one"], "one"),
        (("one",), "one"),
        ([7], "7"),
        ("a b-c_d.e:f/g=h+i@j", "a b-c_d.e:f/g=h+i@j"),
        ("Größe 北京", "Größe 北京"),
        (" padded ", " padded "),
        ("x" * 256, "x" * 256),
    ],
)
def test_a_single_value_is_a_tag_as_it_is(value: object, tag: str) -> None:
    found = made(value)
    assert dict(found.tags) == {"Department": tag}
    assert (found.fault, found.steps[0].made, found.steps[0].claim) == (None, True, "dept")


@pytest.mark.parametrize("value", [None, []])
def test_a_missing_claim_makes_no_tag_rather_than_an_empty_one(value: object) -> None:
    found = made(value)
    assert found.fault is None
    assert found.tags == {}
    assert not found.steps[0].made
    absent = make_tags(mapped({"Department": "dept"}), (login(),))
    assert (absent.tags, absent.fault) == ({}, None)


@pytest.mark.parametrize(
    "value", [["a", "b"], {"k": "v"}, [{"k": "v"}], [["a"]], "a\nb", "a;b", "a,b", "<x>", "a\x00", "x" * 257, "a*", "a?", "${x}"]
)
def test_what_cannot_be_a_tag_refuses_the_sign_in_and_is_never_repaired(value: object) -> None:
    found = made(value)
    assert found.fault is not None
    assert found.tags == {}
    assert not isinstance(value, str) or value not in found.fault


def test_no_map_no_tags_and_the_map_of_a_user_pool_goes_by_either_name() -> None:
    assert make_tags(POOL, (login(dept="x"),)) == TagSet()
    for key in (f"{KEY}:app", KEY, "id.example.com/eu-west-1_Pool"):
        assert make_tags(mapped({"D": "dept"}, key), (login(dept="x"),)).tags == {"D": "x"}
    assert make_tags(mapped({"D": "dept"}, f"{KEY}:other"), (login(dept="x"),)).tags == {}
    both = replace(POOL, tag_maps={KEY: TagMap({"D": "wide"}), f"{KEY}:app": TagMap({"D": "narrow"})})
    assert make_tags(both, (login(wide="w", narrow="n"),)).tags == {"D": "n"}


def test_defaults_ignore_the_map() -> None:
    pool = replace(POOL, tag_maps={KEY: TagMap({"D": "dept"}, use_defaults=True)})
    assert make_tags(pool, (login(dept="x"),)).tags == {"client": "app", "username": "ada"}
    saml = Proof(
        "saml",
        "arn:aws:iam::123456789012:saml-provider/corp",
        "n",
        "arn:aws:iam::123456789012:saml-provider/corp",
        {
            "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier": ["ada"],
            "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name": ["Ada L"],
        },
    )
    pool = replace(POOL, tag_maps={saml.mapping_key: TagMap(use_defaults=True)})
    assert make_tags(pool, (saml,)).tags == {"client": "ada", "username": "Ada L"}


def test_the_secret_of_an_app_at_x_is_no_tag() -> None:
    proof = Proof("social", "api.twitter.com", "42", "api.twitter.com", {"id": "42"}, "consumer;hush")
    found = make_tags(replace(POOL, tag_maps={"api.twitter.com": TagMap(use_defaults=True)}), (proof,))
    assert found.tags == {"client": "consumer", "username": "42"}


def test_of_several_logins_the_first_with_a_map_gives_them_all_and_guests_have_none() -> None:
    google = Proof("social", "accounts.google.com", "1", "accounts.google.com", {"hd": "corp"}, "g")
    pool = replace(POOL, tag_maps={KEY: TagMap({"D": "dept"}), "accounts.google.com": TagMap({"H": "hd"})})
    assert make_tags(pool, (google, login(dept="x"))).tags == {"H": "corp"}
    assert make_tags(pool, (login(dept="x"), google)).tags == {"D": "x"}


def test_the_login_that_decided_the_role_gives_the_tags() -> None:
    """Whoever may show two logins in either order must not take the role of the one with the department that the other says."""
    partner = Proof("social", "accounts.google.com", "1", "accounts.google.com", {"dept": "finance"}, "g")
    own = login(dept="staff")
    pool = replace(POOL, tag_maps={KEY: TagMap({"D": "dept"}), "accounts.google.com": TagMap({"D": "dept"})})
    for proofs in ((partner, own), (own, partner)):
        assert make_tags(pool, proofs, own.mapping_key).tags == {"D": "staff"}
        assert make_tags(pool, proofs, partner.mapping_key).tags == {"D": "finance"}
    assert make_tags(replace(pool, tag_maps={"accounts.google.com": TagMap({"D": "dept"})}), (partner, own), own.mapping_key).tags == {}
    assert make_tags(pool, ()).tags == {}


def test_our_own_token_brings_the_tags_it_was_made_with() -> None:
    token = Proof(
        "openid", "cognito-identity.amazonaws.com", "id", "cognito-identity.amazonaws.com", {TAGS_CLAIM: {"principal_tags": {"D": ["x"]}}}
    )
    assert make_tags(mapped({"E": "sub"}), (token,)).tags == {"D": "x"}
    assert make_tags(POOL, (replace(token, claims={}),)).tags == {}


@pytest.mark.parametrize("length", [1, 128])
def test_a_key_may_have_1_to_128_characters(length: int) -> None:
    assert tag_fault([("k" * length, "v" * 256), ("other", "")]) is None


@pytest.mark.parametrize("key", ["", "k" * 129, "aws:x", "AWS:x", "Aws:team", "a\tb", "a*"])
def test_other_keys_are_refused(key: str) -> None:
    assert tag_fault([(key, "v")]) is not None
    assert make_tags(mapped({key: "dept"}), (login(dept="x"),)).fault is not None


def test_51_tags_and_keys_that_differ_in_case_alone_are_refused() -> None:
    fifty = {f"k{number}": "dept" for number in range(50)}
    assert len(make_tags(mapped(fifty), (login(dept="x"),)).tags) == 50
    assert make_tags(mapped({**fifty, "k50": "dept"}), (login(dept="x"),)).fault is not None
    assert make_tags(mapped({"Dept": "dept", "dept": "dept"}), (login(dept="x"),)).fault is not None


@given(value=st.text(max_size=40))
def test_a_tag_is_the_claim_octet_by_octet_or_there_is_none(value: str) -> None:
    found = made(value)
    assert found.tags == ({} if found.fault else {"Department": value})
    assert value in {"", *found.tags.values()} or found.fault is not None
    # A look-alike is another value: nothing is normalized.
    folded = unicodedata.normalize("NFKC", value)
    assert folded == value or found.tags.get("Department") != folded
