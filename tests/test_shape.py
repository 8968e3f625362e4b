"""The shape of the code is a promise like any other: small files, small functions, every room in its place.

import-linter holds who may import whom; here is what it cannot see.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PRODUCT = ("metadata", "providers", "broker")
MAX_FILE_LINES = 500
MAX_FUNCTION_LINES = 60
MAX_PARAMETERS = 6

# Files that hold data in the form of Python. Each needs its reason; a file with behaviour in it never qualifies.
DATA_TABLES = {
    "providers/social/presets.py": "one row a social provider",
}

# Closer limits for rooms whose worth lies in being read at one sitting.
CLOSER_LIMITS = {
    "providers/base.py": 150,
    "providers/social/quirks/*.py": 80,
}

TOP_LEVEL = {"metadata", "providers", "broker", "tests", "bench", "docs"}
MADE_BY_TOOLS = {"build", "dist", "site", "htmlcov", "node_modules", "var", "__pycache__"}

FLASK = {"flask", "werkzeug", "flask_wtf", "flask_babel", "jinja2", "wtforms"}
FLASK_ROOMS = ("broker/app", "broker/faces/", "broker/web/", "broker/demo/")
DATABASE = {"sqlalchemy", "alembic", "redis", "sqlite3", "psycopg"}
DATABASE_ROOMS = ("broker/stores/",)
# Templates outside the web: the words of a mail are rendered where the mail is made.
TEMPLATE_ROOMS = ("broker/notify/", "broker/expr/")

VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "stuff", "lib"}


def python_files(*tops: str) -> list[Path]:
    return sorted(
        path
        for top in tops
        for path in (ROOT / top).rglob("*.py")
        if not any(part in MADE_BY_TOOLS or part.startswith(".") for part in path.relative_to(ROOT).parts)
    )


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def line_count(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def functions(module: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def length_without_docstring(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    assert function.end_lineno is not None
    total = function.end_lineno - function.lineno + 1
    first = function.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and ast.get_docstring(function):
        assert first.end_lineno is not None
        total -= first.end_lineno - first.lineno + 1
    return total


def parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    spec = function.args
    found = [arg.arg for arg in (*spec.posonlyargs, *spec.args, *spec.kwonlyargs)]
    found += [arg.arg for arg in (spec.vararg, spec.kwarg) if arg]
    return found[1:] if found and found[0] in {"self", "cls"} else found


def imported_roots(module: ast.Module) -> Iterator[tuple[str, int]]:
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name.split(".")[0], node.lineno
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0], node.lineno


def test_no_file_is_longer_than_one_can_read() -> None:
    long = {
        name(path): line_count(path)
        for path in python_files(*PRODUCT, "tests", "bench")
        if line_count(path) > MAX_FILE_LINES and name(path) not in DATA_TABLES
    }
    assert not long, f"over {MAX_FILE_LINES} lines; cut by subject: {long}"


@pytest.mark.parametrize(("pattern", "limit"), CLOSER_LIMITS.items())
def test_a_room_with_a_closer_limit_keeps_it(pattern: str, limit: int) -> None:
    long = {name(path): line_count(path) for path in ROOT.glob(pattern) if line_count(path) > limit}
    assert not long, f"over {limit} lines: {long}"


def test_a_data_table_holds_no_behaviour() -> None:
    behaving = [
        f"{table}: {function.name}" for table in DATA_TABLES if (ROOT / table).exists() for function in functions(tree(ROOT / table))
    ]
    assert not behaving, f"a file exempt from the size limit may not define functions: {behaving}"


def test_functions_are_short() -> None:
    long = {
        f"{name(path)}:{function.lineno} {function.name}": length_without_docstring(function)
        for path in python_files(*PRODUCT, "bench")
        for function in functions(tree(path))
        if length_without_docstring(function) > MAX_FUNCTION_LINES
    }
    assert not long, f"over {MAX_FUNCTION_LINES} lines; name the steps: {long}"


def test_functions_take_few_parameters() -> None:
    greedy = {
        f"{name(path)}:{function.lineno} {function.name}": len(parameters(function))
        for path in python_files(*PRODUCT, "bench")
        for function in functions(tree(path))
        if len(parameters(function)) > MAX_PARAMETERS
    }
    assert not greedy, f"over {MAX_PARAMETERS} parameters; make a frozen dataclass: {greedy}"


def test_no_module_has_a_name_that_says_nothing() -> None:
    vague = [
        name(path)
        for path in python_files(*PRODUCT, "tests", "bench")
        if path.stem in VAGUE_NAMES or VAGUE_NAMES.intersection(path.relative_to(ROOT).parts[:-1])
    ]
    assert not vague, f"name it for what it does: {vague}"


def test_nothing_is_left_for_later() -> None:
    later = re.compile("TO" + "DO|FIX" + "ME")
    suffixes = {".py", ".html", ".css", ".js", ".toml", ".md", ".sh", ".yml", ".po"}
    left = [
        f"{name(path)}:{number}"
        for top in (*PRODUCT, "tests", "bench", "docs")
        for path in sorted((ROOT / top).rglob("*"))
        if path.suffix in suffixes and "node_modules" not in path.parts and not is_hidden(path)
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1)
        if later.search(line)
    ]
    assert not left, f"do it, or open an issue: {left}"


def is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(ROOT).parts)


def test_every_top_level_directory_is_known() -> None:
    found = {path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".")}
    unknown = {top for top in found - TOP_LEVEL - MADE_BY_TOOLS if not top.endswith(".egg-info")}
    assert not unknown, f"give it a place in the house: {unknown}"


@pytest.mark.parametrize(
    ("libraries", "rooms"),
    [(FLASK, (*FLASK_ROOMS, *TEMPLATE_ROOMS)), (DATABASE, DATABASE_ROOMS)],
    ids=["the web framework", "the database"],
)
def test_a_library_stays_in_its_rooms(libraries: set[str], rooms: tuple[str, ...]) -> None:
    strays = [
        f"{name(path)}:{line} imports {root}"
        for path in python_files(*PRODUCT)
        if not name(path).startswith(rooms)
        for root, line in imported_roots(tree(path))
        if root in libraries
    ]
    assert not strays, f"allowed in {rooms} alone: {strays}"


def test_every_folder_of_code_is_a_package() -> None:
    # A folder without __init__.py is invisible to the import contracts, and would be a room without rules.
    # Alembic loads its migrations by path.
    bare = {
        name(path.parent)
        for path in python_files(*PRODUCT)
        if not (path.parent / "__init__.py").exists() and "migrations" not in path.parts
    }
    assert not bare, f"no __init__.py: {bare}"


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        name(path)
        for path in python_files(*PRODUCT, "tests", "bench")
        if path.read_text(encoding="utf-8").strip() and not ast.get_docstring(tree(path))
    ]
    assert not silent, f"no docstring: {silent}"


def proves_something(node: ast.AST) -> bool:
    """An assert, an expectation of pytest's, or a call of a function named for what it asserts."""
    if isinstance(node, ast.Assert):
        return True
    if not isinstance(node, ast.Call):
        return False
    called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    return called in {"raises", "warns", "fail", "call_and_validate", "validate_response"} or called.startswith(
        ("assert_", "expect_", "refuse", "accept", "check", "honest")
    )


def test_every_test_asserts_something() -> None:
    hollow = [
        f"{name(path)}:{function.lineno} {function.name}"
        for path in python_files("tests")
        if path.name.startswith("test_")
        for function in functions(tree(path))
        if function.name.startswith("test_") and not any(proves_something(node) for node in ast.walk(function))
    ]
    assert not hollow, f"tests that cannot fail: {hollow}"
