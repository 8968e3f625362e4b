"""The documentation is held to the product: commands that exist, configuration that loads, links that lead somewhere."""

from __future__ import annotations

import ast
import functools
import json
import re
import subprocess
import sys
import textwrap
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\w*)[^\n]*\n(?P<body>.*?)^(?P=indent)```", re.M | re.S)
LINK = re.compile(r"!?\[[^\]]*\]\((?P<target>[^)\s]+)(?:\s+\"[^\"]*\")?\)")


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def fences(page: Path) -> Iterator[tuple[str, str, int]]:
    text = page.read_text(encoding="utf-8")
    for found in FENCE.finditer(text):
        yield found["language"], textwrap.dedent(found["body"]), text.count("\n", 0, found.start()) + 1


def all_fences(language: str) -> list[Any]:
    return [pytest.param(body, id=f"{name(page)}:{line}") for page in PAGES for found, body, line in fences(page) if found == language]


def commands(program: str) -> dict[str, str]:
    """Every `program ...` in a shell fence or in inline code, and the first page that gives it."""
    found: dict[str, str] = {}
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        shell = [body for language, body, _ in fences(page) if language in {"", "sh", "bash", "console", "shell"}]
        inline = re.findall(r"(?<!`)`([^`\n]+)`(?!`)", FENCE.sub("", text))
        for line in [line for block in shell for line in block.splitlines()] + inline:
            spoken = line.strip().removeprefix("$ ").split(" #")[0].strip()
            if spoken.startswith(program + " "):
                found.setdefault(spoken, name(page))
    return found


@functools.cache
def help_of(*words: str) -> tuple[int, str]:
    done = subprocess.run([sys.executable, "-m", "broker", *words, "--help"], capture_output=True, text=True, cwd=ROOT, timeout=60)
    return done.returncode, done.stdout + done.stderr


def test_every_make_target_in_the_docs_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    missing = {
        f"{page}: {spoken}"
        for spoken, page in commands("make").items()
        for word in spoken.split()[1:]
        if "=" not in word and word not in targets
    }
    assert commands("make"), "the README gives at least make demo and make test"
    assert not missing


@pytest.mark.parametrize("spoken", sorted(commands("crossgate")))
def test_every_command_in_the_docs_exists(spoken: str) -> None:
    words = spoken.split()[1:]
    path = [words[0]] if re.fullmatch(r"[a-z]+", words[0]) else []
    code, text = help_of(*path)
    if "Commands:" in text and path and len(words) > 1 and re.fullmatch(r"[a-z]+", words[1]):
        path.append(words[1])
        code, text = help_of(*path)
    assert code == 0, f"`{spoken}`: {text}"
    for option in re.findall(r"--[a-z][a-z-]*", spoken):
        assert option in text, f"`{spoken}`: no {option} in\n{text}"


def test_the_reference_names_every_command() -> None:
    code, text = help_of()
    assert code == 0, text
    listed = re.findall(r"^  ([a-z][a-z-]*)\b", text.partition("Commands:")[2], re.M)
    page = (DOCS / "reference" / "cli.md").read_text(encoding="utf-8")
    assert listed, text
    assert not [command for command in listed if f"crossgate {command}" not in page]


def test_the_example_configuration_loads() -> None:
    from broker import config

    assert config.load(ROOT / "config.example.toml")


def keys_of(table: object) -> Iterator[str]:
    """Every key that carries a value; what stands under `mapping` is named by the operator."""
    if isinstance(table, list):
        for each in table:
            yield from keys_of(each)
    elif isinstance(table, dict):
        for key, value in table.items():
            if isinstance(value, dict) or (isinstance(value, list) and value and isinstance(value[0], dict)):
                yield from () if key == "mapping" else keys_of(value)
            else:
                yield key


@pytest.mark.parametrize("body", all_fences("toml"))
def test_keys_in_the_docs_are_keys_of_the_example(body: str) -> None:
    # The example explains every key, some of them commented out.
    example = (ROOT / "config.example.toml").read_text(encoding="utf-8")
    configuration = {name: table for name, table in tomllib.loads(body).items() if name != "project"}  # a plugin's own pyproject.toml
    unknown = [key for key in keys_of(configuration) if not re.search(rf"(^[# ]*|[{{,] ?){key}\s*=", example, re.M)]
    assert not unknown


def test_the_configuration_reference_is_what_the_code_says() -> None:
    done = subprocess.run([sys.executable, "-m", "broker.config.reference"], capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert done.returncode == 0, done.stderr
    page = (DOCS / "reference" / "configuration.md").read_text(encoding="utf-8")
    remedy = "run: python -m broker.config.reference > docs/reference/configuration.md"
    assert page == done.stdout, remedy


def test_the_coverage_of_the_aws_api_is_what_the_tables_say() -> None:
    done = subprocess.run([sys.executable, "-m", "broker.faces.aws.coverage"], capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert done.returncode == 0, done.stderr
    page = (DOCS / "reference" / "api-coverage.md").read_text(encoding="utf-8")
    assert page == done.stdout, "run: python -m broker.faces.aws.coverage > docs/reference/api-coverage.md"


def leaves(base: type[Exception]) -> Iterator[type[Exception]]:
    for below in base.__subclasses__():
        yield below
        yield from leaves(below)


def test_the_error_reference_lists_every_code() -> None:
    from broker.errors import BrokerError
    from providers.errors import ProviderError

    page = (DOCS / "reference" / "errors.md").read_text(encoding="utf-8")
    # Only the base modules' own classes: a finer one, deeper in a room, is in the log and the trace.
    codes = {getattr(each, "code", None) for each in leaves(BrokerError) if each.__module__ == "broker.errors"}
    reasons = {getattr(each, "reason", None) for each in leaves(ProviderError) if each.__module__ == "providers.errors"}
    missing = [code for code in codes | reasons if code and f"| `{code}` |" not in page]
    assert codes
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_relative_links_lead_somewhere(page: Path) -> None:
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    broken = []
    for found in LINK.finditer(text):
        target = found["target"].partition("#")[0]
        if not target or re.match(r"[a-z]+:", target):
            continue
        if not (page.parent / target).resolve().exists():
            broken.append(found["target"])
    assert not broken


def nav_pages(entry: object) -> Iterator[str]:
    if isinstance(entry, str):
        yield entry
    elif isinstance(entry, list):
        for each in entry:
            yield from nav_pages(each)
    elif isinstance(entry, dict):
        for each in entry.values():
            yield from nav_pages(each)


def test_the_navigation_lists_every_page_once() -> None:
    settings = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    listed = sorted(nav_pages(settings["nav"]))
    assert listed == sorted(page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md"))


def test_decisions_are_numbered_without_a_gap() -> None:
    numbers = [int(path.name[:4]) for path in sorted((DOCS / "decisions").glob("[0-9]*.md"))]
    assert numbers == list(range(1, len(numbers) + 1))


PARSERS: dict[str, Callable[[str], object]] = {"python": ast.parse, "toml": tomllib.loads, "json": json.loads}


@pytest.mark.parametrize(
    ("language", "body"),
    [pytest.param(language, *param.values, id=f"{language}-{param.id}") for language in PARSERS for param in all_fences(language)],
)
def test_code_in_the_docs_parses(language: str, body: str) -> None:
    assert PARSERS[language](body) is not None
