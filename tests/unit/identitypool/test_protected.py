"""What a path means: one reading, or none."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.identitypool.protected import PathPattern, ProtectedService, Route, segments_of


@pytest.mark.parametrize(
    ("pattern", "path", "captures"),
    [
        ("/a/{x}", "/a/b", {"x": "b"}),
        ("/a/{x}", "/a/b%20c", {"x": "b c"}),
        ("/a/{x}", "/a/", None),
        ("/a/{x}", "/a/b/c", None),
        ("/a/{x}", "/A/b", None),
        ("/a/{x*}", "/a/b/c", {"x": "b/c"}),
        ("/a/{x*}", "/a/b/", {"x": "b/"}),
        ("/a/{x*}", "/a/", None),
        ("/a/{x*}", "/a", None),
        ("/*", "/anything/else", {"": "anything/else"}),
        ("/", "/", {}),
        ("/a", "/a/", None),
    ],
)
def test_patterns(pattern: str, path: str, captures: dict[str, str] | None) -> None:
    segments = segments_of(path)
    assert segments is not None
    assert PathPattern.parse(pattern).match(segments) == captures


@pytest.mark.parametrize(
    "path", ["a", "", "/a/../b", "/a/%2e%2e/b", "/a//b", "/a%2Fb", "/a%5Cb", "/a\\b", "/%00", "/%ff", "/a/./b", "/a/.."]
)
def test_a_path_with_two_readings_has_none(path: str) -> None:
    assert segments_of(path) is None


@pytest.mark.parametrize("sign", ["#", ";", "?", "|", "{", '"', "<", "^", "`", " ", "\u00e9"])
def test_what_some_servers_cut_or_respell_must_be_encoded(sign: str) -> None:
    """Servers end the path at `#`, and some take `;` and what follows it out of a segment: a Deny for /a/b must hold for /a/b;c as well."""
    assert segments_of(f"/a/b{sign}c") is None
    assert segments_of(f"/a/b{quote(sign)}c") == ("a", f"b{sign}c")


def test_what_needs_no_encoding_stands_as_it_is() -> None:
    assert segments_of("/a/b-._~!$&'()*+,=:@c") == ("a", "b-._~!$&'()*+,=:@c")
    assert segments_of("/a/b%zz") is None


@pytest.mark.parametrize("pattern", ["a", "/{x}/{x}", "/{x*}/a", "/*/a", "/a{x}", "/{X}", "/a*"])
def test_a_pattern_that_says_nothing_clear_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError):
        PathPattern.parse(pattern)


@given(st.text(max_size=60))
def test_no_path_raises(path: str) -> None:
    route = Route(frozenset(), PathPattern.parse("/{a}/{b*}"), "s:A", "arn:{a}:{b}")
    service = ProtectedService("s", frozenset({"h"}), "execute-api", (route,))
    found = service.asked("GET", "/" + path)
    assert found is None or found[0] == "s:A"


def test_the_first_route_decides_and_captures_stand_as_they_are() -> None:
    routes = (
        Route(frozenset({"GET"}), PathPattern.parse("/{a}"), "s:Read", "arn:{a}"),
        Route(frozenset(), PathPattern.parse("/*"), "s:Any", "arn:any"),
    )
    service = ProtectedService("s", frozenset({"h"}), "execute-api", routes)
    assert service.asked("GET", "/x*%3F") == ("s:Read", "arn:x*?")
    assert service.asked("PUT", "/x") == ("s:Any", "arn:any")
    assert service.asked("GET", "/%7Ba%7D") == ("s:Read", "arn:{a}")
