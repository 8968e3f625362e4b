"""E.4 and D.10: session tags, source identity and the context keys that they become; rows IP-S2.1 to IP-S2.5."""

from __future__ import annotations

import pytest

from broker.errors import InvalidRequest
from broker.identitypool.policy.session_rules import (
    SessionTags,
    check_session_name,
    check_source_identity,
    principal_keys,
    request_keys,
    session_tags,
)


@pytest.mark.parametrize(
    "tags",
    [
        {"k": ""},
        {"k" * 128: "v" * 256},
        {"Abteilung Süd": "Größe 3.14_:/=+-@"},
        {"\u90e8\u9580": "\u0664\u00b2\u2163\u00a0"},
        {f"k{number}": "v" for number in range(50)},
    ],
    ids=lambda tags: str(tags)[:20],
)
def test_tags_that_are_taken(tags: dict[str, str]) -> None:
    assert session_tags(tags).tags == tags


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({"": "v"}, "too long or empty"),
        ({"k" * 129: "v"}, "too long or empty"),
        ({"k": "v" * 257}, "too long or empty"),
        ({f"k{number}": "v" for number in range(51)}, "51 tags"),
        ({"aws:x": "v"}, "reserved"),
        ({"AWS:x": "v"}, "reserved"),
        ({"Aws:x": "v"}, "reserved"),
        ({"Dept": "a", "dept": "b"}, "given twice"),
        ({"k": "a*"}, "has a character"),
        ({"k": "a\n"}, "has a character"),
        ({"k": "a\u200b"}, "has a character"),
        ({"k": "${aws:x}"}, "has a character"),
        ({"k,": "a"}, "has a character"),
        ({"k": "e\u0301"}, "has a character"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_tags_that_are_refused(tags: dict[str, str], words: str) -> None:
    """Refused whole: nothing is stripped or cut (row IP-S2.1)."""
    with pytest.raises(InvalidRequest, match=words) as caught:
        session_tags(tags)
    assert words in caught.value.public


def test_transitive_tags_follow_and_stay() -> None:
    first = session_tags({"Team": "red", "cost": "1"}, ("TEAM",))
    assert first == SessionTags({"Team": "red", "cost": "1"}, ("Team",))
    second = session_tags({"job": "x"}, ("job",), first)
    assert second == SessionTags({"Team": "red", "job": "x"}, ("Team", "job"))
    with pytest.raises(InvalidRequest, match="passed on"):
        session_tags({"team": "blue"}, (), first)
    with pytest.raises(InvalidRequest, match="has no tag"):
        session_tags({"a": "b"}, ("c",))
    with pytest.raises(InvalidRequest, match="51 tags"):
        session_tags({f"k{number}": "v" for number in range(50)}, (), first)


@pytest.mark.parametrize("text", ["ada", "a" * 256, "a_b+=,.@-1"])
def test_a_source_identity(text: str) -> None:
    assert check_source_identity(text) == text


@pytest.mark.parametrize("text", ["", "a", "a" * 257, "a b", "aé", "ab\n", "a/b"])
def test_what_is_no_source_identity(text: str) -> None:
    with pytest.raises(InvalidRequest):
        check_source_identity(text)


def test_a_source_identity_cannot_change() -> None:
    assert check_source_identity("ada", "ada") == "ada"
    with pytest.raises(InvalidRequest, match="cannot be changed"):
        check_source_identity("bob", "ada")


def test_a_session_name() -> None:
    assert check_session_name("CognitoIdentityCredentials") == "CognitoIdentityCredentials"
    for text in ("a", "a" * 65, "a/b", "a\r\nb", ""):
        with pytest.raises(InvalidRequest):
            check_session_name(text)


def test_the_context_keys_of_tags() -> None:
    assert request_keys({"Team": "red"}, ("Team",), "ada") == {
        "aws:RequestTag/Team": "red", "aws:TagKeys": ("Team",), "sts:TransitiveTagKeys": ("Team",), "sts:SourceIdentity": "ada",
    }  # fmt: skip
    assert request_keys({})["aws:TagKeys"] == ()


def test_a_tag_of_the_session_replaces_that_of_the_role() -> None:
    found = principal_keys({"team": "red"}, {"Team": "blue", "Cost": "1"})
    assert found == {"aws:PrincipalTag/team": "red", "aws:PrincipalTag/Cost": "1"}
