"""The configuration reference, from the models themselves: `python -m broker.config.reference > docs/reference/configuration.md`."""

from __future__ import annotations

import re
import sys
import types
from collections.abc import Iterator, Mapping
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from broker.config.environment import variable
from broker.config.explain import tables_in
from broker.config.kinds import FILLED, OPTIONS, options_class
from broker.config.root import Config
from broker.config.values import Kind
from broker.config.words import MEANINGS
from providers.social.presets import PRESETS

HEAD = """# Configuration

<!-- Written by `python -m broker.config.reference`; do not edit. -->

One TOML file says everything; `config.example.toml` is a complete one, with comments. `crossgate check FILE` validates
it. A wrong key, type or value is one line with file, table, key and remedy, and exit status 2.

- Without `--config`, the file is `crossgate.toml` in the working directory, or what `CROSSGATE_CONFIG` names.
- Relative paths start from the directory of the file.
- A *secret* is a string, or a reference: `{ env = "NAME" }` or `{ file = "PATH" }`. References also work for the keys of
  a provider's kind, such as `client_id` or `metadata_certificate`.
- The environment wins over the file for the tables that describe the service, by the name in the last column. Lists may
  be written as `a, b`. Pools are never changed from there.
"""
POOLS = """## User pools

A file without pools is valid: they can also be made by API. What is declared here is read-only there. A table that
vanishes from the file is disabled at the next start, and deleted by `crossgate apply --prune`.
"""
ACCESS = """## Identity pools, roles and policies

Roles, policies and the providers that they trust belong to the account, `[aws] account_id`. They follow the same rule: read-only where the
file has them, and disabled or gone when it no longer does. Roles can also be managed with `aws iam --endpoint-url`.
"""
MAPPING = """### Mapping

`[user_pool.provider.mapping]` has the attribute of the pool on the left. On the right:

| Written | Meaning |
|---|---|
| `email = "mail"` | copy their attribute |
| `name = ["displayName", "cn"]` | the first of these that is there |
| `locale = { mapper = "constant", value = "en" }` | any mapper, with keys of its own |
| `email = { from = "mail", required = true }` | the sign-in fails without it |
| `name = [{ mapper = "split", from = "cn", separator = ",", index = 0 }, { mapper = "case", from = "nick", to = "title" }]` \
| several rules for one attribute, in this order |

Mappers: {mappers}. Plugins of the entry-point group `crossgate.mappers` join them.
"""
PLAIN = {str: "string", bool: "boolean", int: "integer", float: "number", dict: "table"}
FENCE = "`"


def pages() -> Iterator[str]:
    """The page, part by part."""
    yield HEAD
    lists: dict[str, type[BaseModel]] = {}
    for name, field in Config.model_fields.items():
        model = next(tables_in(field.annotation))
        if get_origin(field.annotation) is tuple:
            lists[name] = model
            continue
        yield from _section(f"## `[{name}]`", model, name)
    yield POOLS
    yield from _lists("user_pool", lists.pop("user_pool"))
    yield ACCESS
    for name, model in lists.items():
        yield from _lists(name, model)


def _lists(table: str, model: type[BaseModel]) -> Iterator[str]:
    """A table that may stand several times, and the tables in it."""
    yield from _section(f"### `[[{table}]]`", model, None)
    for name, field in model.model_fields.items():
        nested = next(tables_in(field.annotation), None)
        if nested is None:
            continue
        brackets = ("[[", "]]") if get_origin(field.annotation) is tuple else ("[", "]")
        yield from _section(f"### `{brackets[0]}{table}.{name}{brackets[1]}`", nested, None)
        for inner, inner_field in nested.model_fields.items():
            if (listed := next(tables_in(inner_field.annotation), None)) is not None:
                yield from _section(f"#### `{inner}` of `[[{table}.{name}]]`", listed, None)
        if name == "provider":
            yield from _kinds()
            yield MAPPING.replace("{mappers}", ", ".join(f"`{mapper}`" for mapper in _mappers()))


def _mappers() -> tuple[str, ...]:
    from broker.mapping.registry import BUILT_IN

    return tuple(BUILT_IN)


def _section(title: str, model: type[BaseModel], table: str | None) -> Iterator[str]:
    yield f"{title}\n\n{(model.__doc__ or '').strip()}\n"
    nested = {name for name, field in model.model_fields.items() if table is None and next(tables_in(field.annotation), None)}
    rows = [row(name, field, table) for name, field in model.model_fields.items() if name not in nested]
    head = "| Key | Type | Default | Meaning |" + (" Environment |" if table else "")
    yield "\n".join([head, re.sub(r"[^|]+", "---", head), *rows]) + "\n"


def _kinds() -> Iterator[str]:
    for kind in OPTIONS:
        others = [f"`{row.kind}`" for row in PRESETS.values() if row.protocol == kind and row.kind != kind]
        also = f" {', '.join(others)} {'has' if len(others) == 1 else 'have'} the same keys, most of them set already." if others else ""
        yield f'#### Keys of `kind = "{kind}"`\n\nBeside those of every provider.{also}\n'
        head = ["| Key | Type | Default | Meaning |", "|---|---|---|---|"]
        fields = options_class(kind).model_fields
        own = {name: field for name, field in fields.items() if not (kind == "saml" and name in FILLED)}
        yield "\n".join([*head, *(kind_row(name, field, MEANINGS[kind]) for name, field in own.items())]) + "\n"


def row(name: str, field: FieldInfo, table: str | None) -> str:
    """A line about a key of ours."""
    cells = [f"`{name}`", _type(field.annotation, field.metadata), _default(field), (field.description or "").replace("|", "\\|")]
    if table:
        cells.append(f"`{variable(table, name)}`")
    return f"| {' | '.join(cells)} |"


def kind_row(name: str, field: FieldInfo, meanings: Mapping[str, str]) -> str:
    """A line about a key of a provider's kind."""
    meaning = meanings.get(name, "").replace("|", "\\|")
    return f"| `{name}` | {_type(field.annotation, field.metadata)} | {_default(field)} | {meaning} |"


def _type(annotation: Any, metadata: Any = ()) -> str:
    words = next((each.words for each in metadata if isinstance(each, Kind)), None)
    if words:
        return words
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return " or ".join(f"`{part}`" for part in parts)
    if origin in {Union, types.UnionType}:
        return _type(next(part for part in parts if part is not type(None)))
    if origin is tuple:
        return f"list of {_plural(_type(parts[0]))}"
    if hasattr(annotation, "__metadata__"):
        return _type(parts[0], annotation.__metadata__)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "table"
    return PLAIN.get(origin or annotation, "string")


def _plural(word: str) -> str:
    if word.startswith(FENCE):
        return word
    return " or ".join(f"{each}s" for each in word.split(" or "))


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "*required*"
    value = field.default
    if value is None or value is PydanticUndefined or value in ((), "") or isinstance(value, BaseModel):
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple):
        return f"`[{', '.join(f'{chr(34)}{each}{chr(34)}' for each in value)}]`"
    if isinstance(value, float | int):
        return f"`{value:g}`"
    return f'`"{value}"`'


if __name__ == "__main__":
    sys.stdout.write("\n".join(pages()))
