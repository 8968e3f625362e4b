"""The page on writing a mapper is held to the code: its mapper works, its mappings are valid, its table is complete."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from broker.config import mapping
from broker.mapping import registry
from broker.mapping.check import validate
from broker.mapping.mapper import AttributeMapper, OptionsInvalid
from broker.model.settings import AttributeSchema, UserPool

PAGE = (Path(__file__).parents[3] / "docs" / "how-to" / "write-a-mapper.md").read_text(encoding="utf-8")


def fences(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.M | re.S)


def test_the_mapper_of_the_page_passes_its_own_test() -> None:
    names: dict[str, Any] = {}
    for code in fences("python"):
        exec(code, names)
    assert isinstance(names["Initials"](), AttributeMapper)


def test_the_mapping_of_the_page_is_valid() -> None:
    pool = UserPool("p", "P", schema=(AttributeSchema("custom:department"),))
    table = tomllib.loads(fences("toml")[0])["user_pool"]["provider"]["mapping"]
    assert validate(pool, mapping.rules(table)) == ()


def test_the_table_of_the_page_lists_every_built_in_mapper_and_its_keys() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", PAGE, re.M))
    assert rows.keys() == registry.BUILT_IN.keys()
    for name, kind in registry.BUILT_IN.items():
        # The check itself says which keys it knows.
        with pytest.raises(OptionsInvalid, match="known are ") as caught:
            kind().check({"made_up": 1})
        assert set(caught.value.what.rpartition("known are ")[2].split(", ")) <= set(re.findall(r"`(\w+)`", rows[name])), name
