"""Reading the file: TOML, the environment on top, the shape, then the rules. Everything that is wrong is said at once."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from broker.config import environment as env
from broker.config.explain import problems_of
from broker.config.problems import ConfigProblems, Problem, Wrong
from broker.config.root import Config
from broker.config.rules import check
from broker.config.values import Surroundings, read_text


def load(path: str | Path, environment: Mapping[str, str] | None = None) -> Config:
    """Read and check a configuration file. Raises ConfigProblems, whose text is one line a problem.

    `environment` is the process's own unless given. Relative paths start from the file's directory.
    """
    path = Path(path)
    try:
        text = read_text(path)
    except Wrong as wrong:
        raise ConfigProblems([Problem(str(path), "", "", wrong.what.removeprefix(f"{path} "), wrong.remedy)]) from None
    return loads(text, path, environment)


def loads(text: str, path: str | Path = "crossgate.toml", environment: Mapping[str, str] | None = None) -> Config:
    """The same for text at hand; `path` says where it would lie."""
    path = Path(path)
    try:
        data = tomllib.loads(text.replace("\r\n", "\n"))
    except RecursionError:
        raise ConfigProblems([Problem(str(path), "", "", "is nested too deeply", "flatten it")]) from None
    except ValueError as error:
        what = f"is not valid TOML: {str(error)[:1].lower()}{str(error)[1:]}"
        raise ConfigProblems([Problem(str(path), "", "", what, "correct the file there")]) from None
    return build(data, path, environment)


def build(data: Mapping[str, Any], path: str | Path = "crossgate.toml", environment: Mapping[str, str] | None = None) -> Config:
    """The same for data at hand, in the shape of the file."""
    path = Path(path)
    around = Surroundings(path.absolute().parent, os.environ if environment is None else environment)
    merged, origin = env.overlay(data, Config, around.environment)
    try:
        config = Config.model_validate(merged, context=around)
    except ValidationError as error:
        found = problems_of(error, str(path), Config, merged)
        raise ConfigProblems([_of_variable(problem, origin) for problem in found]) from None
    except RecursionError:
        raise ConfigProblems([Problem(str(path), "", "", "is nested too deeply", "flatten it")]) from None
    errors, warnings = check(config, str(path))
    if errors:
        raise ConfigProblems(errors)
    config._path = path.absolute()
    config._master_key = around.environment.get(env.MASTER_KEY, "")
    config._warnings = tuple(warnings)
    return config


def _of_variable(problem: Problem, origin: Mapping[tuple[str, str], str]) -> Problem:
    """A value that came from the environment is reported under its variable, or the operator would search the file in vain."""
    name = origin.get((problem.table.strip("[]"), problem.key.split(" ")[0].split(".")[0]))
    if name is None:
        return problem
    return Problem(f"environment variable {name}", problem.table, problem.key, problem.what, problem.remedy)
