"""What no single value can tell: rules between keys and between tables. Each rule is a generator of findings."""

from __future__ import annotations

from broker.config.problems import Problem
from broker.config.root import Config


def check(config: Config, file: str) -> tuple[list[Problem], list[Problem]]:
    """Errors and warnings, in the order of the rules."""
    return [], []
