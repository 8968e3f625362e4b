"""The types of values in the file: secrets by reference, paths beside the file, checked addresses.

Paths and references need to know where the file lies and what the environment holds; validation brings that as its context.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo

from broker.config import addresses
from broker.config.problems import Wrong, shown

T = TypeVar("T")
MAX_FILE = 5_000_000


class Table(BaseModel):
    """A table of the file: frozen, strict about types, and closed to keys that it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True, str_max_length=1_000_000)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a file is read in: the directory that relative paths start from, and the environment."""

    base: Path
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Kind:
    """How the reference names a type."""

    words: str


def surroundings(info: ValidationInfo) -> Surroundings:
    """The context of this validation; a table built in code, without one, sees the working directory and an empty environment."""
    return info.context if isinstance(info.context, Surroundings) else Surroundings(Path.cwd())


def read_text(path: Path) -> str:
    """The file's text. Raises Wrong, naming the path, if it cannot be had."""
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_FILE + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise Wrong(f"{path} cannot be read: {reason}", "put the file there, make it readable, or correct the path") from None
    if len(content) > MAX_FILE:
        raise Wrong(f"{path} is larger than {MAX_FILE // 1_000_000} MB", "is it the right file?")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Wrong(f"{path} is not UTF-8 text (byte {error.start})", "save it as UTF-8") from None


def dereference(value: object, around: Surroundings) -> str:
    """A string, or what `{ env = "NAME" }` or `{ file = "PATH" }` leads to. The value itself is never part of an error."""
    if isinstance(value, str):
        return value
    if not isinstance(value, dict) or len(value) != 1 or not all(isinstance(part, str) for part in value.values()):
        raise Wrong("is neither a string nor a reference", 'write { env = "NAME" } or { file = "PATH" }')
    how, where = next(iter(value.items()))
    if how == "env":
        if where not in around.environment:
            raise Wrong(f"the environment has no {shown(where)}", f"set {where} where Crossgate starts, or refer to a file")
        return around.environment[where]
    if how == "file":
        return read_text(around.base / where).strip()
    raise Wrong(f"{shown(how)} is no kind of reference", 'write { env = "NAME" } or { file = "PATH" }')


def _secret(value: object, info: ValidationInfo) -> str:
    text = dereference(value, surroundings(info))
    if not text:
        raise Wrong("is empty", "set it, or remove the key")
    return text


def _path(value: object, info: ValidationInfo) -> object:
    if isinstance(value, Path) or (isinstance(value, str) and value and "\0" not in value):
        return surroundings(info).base / value
    raise Wrong("is not a path", "give a file name, relative to the configuration file or absolute")


def _readable(path: Path) -> Path:
    read_text(path)
    return path


@dataclass(frozen=True, slots=True)
class TextFile:
    """A file that was read together with the configuration."""

    path: Path
    text: str = field(repr=False)


def _text_file(value: object, info: ValidationInfo) -> TextFile:
    if isinstance(value, TextFile):
        return value
    path = _path(value, info)
    assert isinstance(path, Path)
    return TextFile(path, read_text(path))


def matching(pattern: str, what: str, remedy: str) -> AfterValidator:
    """A check against a pattern, in words instead of the pattern."""
    compiled = re.compile(pattern, re.ASCII)

    def check(value: str) -> str:
        if not compiled.fullmatch(value):
            raise Wrong(f"{shown(value)} {what}", remedy)
        return value

    return AfterValidator(check)


# A field of this type says `repr=False` itself (a test holds them to it): pydantic does not take that from here.
Secret = Annotated[str, BeforeValidator(_secret), Kind("secret")]
Location = Annotated[Path, BeforeValidator(_path), Kind("path")]
ReadableFile = Annotated[Path, BeforeValidator(_path), AfterValidator(_readable), Kind("path")]
Contents = Annotated[TextFile, BeforeValidator(_text_file), Kind("path")]

Origin = Annotated[str, AfterValidator(addresses.origin), Kind("origin")]
Issuer = Annotated[str, AfterValidator(addresses.issuer), Kind("URL")]
WebUrl = Annotated[str, AfterValidator(addresses.web_url), Kind("URL")]
FetchedUrl = Annotated[str, AfterValidator(addresses.fetched_url), Kind("URL")]
RedirectUri = Annotated[str, AfterValidator(addresses.redirect_uri), Kind("URI")]
Logo = Annotated[str, AfterValidator(addresses.logo), Kind("URL")]
Host = Annotated[str, AfterValidator(addresses.host), Kind("host")]
Bind = Annotated[str, AfterValidator(addresses.bind), Kind("address")]
ProxyAddress = Annotated[str, AfterValidator(addresses.proxy), Kind("network")]

# TOML has lists, the models have tuples: this one conversion is allowed, nothing inside becomes laxer by it.
Many = Annotated[tuple[T, ...], Field(strict=False)]
