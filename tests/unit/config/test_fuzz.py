"""Whatever a file holds, it is a configuration or it is refused in lines; never a traceback, never the secret itself."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker import config
from broker.config.root import Config

HUSH = "hunter2-hunter2"
WORDS = (
    "id name kind mapping client provider attribute group resource_server scopes redirect_uris flows providers metadata issuer client_id"
)
WORDS += " identifiers domains jwks branding env file secret nonsense public_url workers bind url access_keys level allow"
keys = st.sampled_from([*WORDS.split(), ""])
scalars = st.one_of(
    st.none().map(lambda _: "x"),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.datetimes(),
    st.text(max_size=20),
    st.sampled_from(
        ["saml", "oidc", "github", "code", "openid", "https://x.example", "http://[", "eu_Demo", "custom:x", "email", "../x", "\0"]
    ),
)
values: st.SearchStrategy[Any] = st.recursive(
    scalars, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=4)), max_leaves=12
)
pools = st.fixed_dictionaries(
    {"id": st.sampled_from(["eu_Demo", "eu_Two", "bad", 3])},
    optional={
        "client": st.lists(st.dictionaries(keys, values, max_size=6) | values, max_size=2) | values,
        "provider": st.lists(
            st.fixed_dictionaries(
                {"name": st.sampled_from(["A", "B", "Google"]), "kind": st.sampled_from(["saml", "oidc", "github", "x"])}
            ).flatmap(lambda fixed: st.dictionaries(keys, values, max_size=5).map(lambda more: {**more, **fixed}))
            | values,
            max_size=3,
        ),
        "attribute": st.lists(st.dictionaries(keys, values, max_size=3), max_size=2),
        "branding": values,
        "domain": values,
        "issuer": values,
        "name": values,
    },
)
files = st.dictionaries(st.sampled_from([*Config.model_fields, "nope"]), values, max_size=4).flatmap(
    lambda base: st.lists(pools | values, max_size=2).map(lambda listed: {**base, "user_pool": listed})
)


def refusal(data: dict[str, Any]) -> config.ConfigProblems | None:
    try:
        config.declare(config.build(data, environment={}))
    except config.ConfigProblems as refused:
        return refused
    return None


@given(files)
def test_any_data_is_a_configuration_or_refused_in_lines(data: dict[str, Any]) -> None:
    refused = refusal(data)
    if refused is not None:
        lines = str(refused).split("\n")
        assert len(lines) == len(refused.problems) > 0
        assert all(line.isprintable() and line.startswith("crossgate.toml: ") for line in lines)


@given(content=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_a_configuration_or_refused_in_lines(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzz.toml"
    path.write_bytes(content)
    try:
        loaded: object = config.load(path, {})
    except config.ConfigProblems as refused:
        loaded = refused.problems
    assert loaded


@given(st.dictionaries(keys, st.sampled_from([HUSH, [HUSH], {"x": HUSH}, {"env": HUSH, "file": HUSH}]), min_size=1, max_size=4))
def test_no_refusal_quotes_a_secret(secrets: dict[str, Any]) -> None:
    secret = next(iter(secrets.values()))
    provider = {"name": "_", "kind": "x", "client_secret": secret}
    refused = refusal(
        {
            "aws": {"access_keys": [{"id": "AKIA", "secret": secret}, {"id": "x", "secret": secret}]},
            "user_pool": [{"id": "bad", "client": [{"id": "?", "secret": secret}], "provider": [provider]}],
        }
    )
    assert refused is not None
    assert HUSH not in str(refused)
