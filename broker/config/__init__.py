"""The only reader of files and environment: `load(path)` gives a checked Config, `declare(config)` the records it declares."""

from broker.config.declare import declare
from broker.config.declare_access import protected_services
from broker.config.problems import ConfigProblems, Problem
from broker.config.read import build, load, loads
from broker.config.root import Config

__all__ = ["Config", "ConfigProblems", "Problem", "build", "declare", "load", "loads", "protected_services"]
