"""The example and the reference leave nothing out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel

from broker import config
from broker.config.explain import tables_in
from broker.config.kinds import FILLED, OPTIONS, options_class
from broker.config.values import Kind
from broker.config.words import MEANINGS

ROOT = Path(__file__).resolve().parents[3]
EXAMPLE = (ROOT / "config.example.toml").read_text(encoding="utf-8")


def tables(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    yield model
    for field in model.model_fields.values():
        for inner in tables_in(field.annotation):
            yield from tables(inner)


TABLES = list(dict.fromkeys(tables(config.Config)))


def named(key: str) -> bool:
    """The example gives the key, perhaps commented, perhaps within braces."""
    return bool(re.search(rf"(^[# ]*|[{{,] ?)\"?{re.escape(key)}\"?\s*=", EXAMPLE, re.M) or f".{key}]" in EXAMPLE or f"[{key}]" in EXAMPLE)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.__name__)
def test_the_example_has_every_key_and_the_models_explain_it(table: type[BaseModel]) -> None:
    assert not [key for key in table.model_fields if not named(key)]
    if table is not config.Config:
        nested = {key for key, field in table.model_fields.items() if next(tables_in(field.annotation), None)}
        assert not [key for key, field in table.model_fields.items() if not field.description and key not in nested]


@pytest.mark.parametrize("kind", OPTIONS)
def test_every_key_of_a_kind_is_explained(kind: str) -> None:
    keys = set(options_class(kind).model_fields) - (FILLED if kind == "saml" else set())
    assert keys == set(MEANINGS[kind])
    assert not [key for key in keys if not named(key)]


def test_every_secret_stays_out_of_reprs() -> None:
    shown = [
        f"{table.__name__}.{key}"
        for table in TABLES
        for key, field in table.model_fields.items()
        if field.repr and any(isinstance(mark, Kind) and mark.words == "secret" for mark in marks(field.annotation, field.metadata))
    ]
    assert not shown


def marks(annotation: object, metadata: list[object]) -> Iterator[object]:
    yield from metadata
    for part in get_args(annotation):
        yield from getattr(part, "__metadata__", ())


def test_the_example_can_be_declared_without_an_environment() -> None:
    declared = config.declare(config.load(ROOT / "config.example.toml", {}))
    assert [provider.kind for provider in declared.providers] == ["saml", "oidc"]
    assert [client.id for client in declared.clients] == ["portal", "nightly"]
