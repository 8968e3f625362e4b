"""Options that several commands share, and the one way in which a configuration is read for a command."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from broker.cli.output import note
from broker.errors import ConfigError

if TYPE_CHECKING:
    from broker.config import Config
    from broker.wiring import Wired

F = TypeVar("F", bound=Callable[..., Any])
DEFAULT = "crossgate.toml"


def config_option(function: F) -> F:
    """`--config FILE`, from the environment, or the file in the working directory."""
    return click.option(
        "--config",
        "config_path",
        metavar="FILE",
        envvar="CROSSGATE_CONFIG",
        default=DEFAULT,
        show_default=True,
        show_envvar=True,
        type=click.Path(path_type=Path),
        help="Configuration file.",
    )(function)


def json_option(function: F) -> F:
    """`--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of words.")(function)


def pool_option(function: F) -> F:
    """`--pool ID`."""
    return click.option("--pool", "pool_id", metavar="ID", help="Only this user pool; all of them without it.")(function)


def load(path: Path) -> Config:
    """Read the file; say its warnings. Raises ConfigProblems."""
    from broker import config

    loaded = config.load(path)
    for warning in loaded.warnings:
        note(f"warning: {warning.line()}")
    return loaded


def wire(path: Path) -> Wired:
    """A broker for a command that needs the store as it is: it makes none. Raises ConfigError."""
    from broker.cli.prepare import database

    loaded = load(path)
    logs(loaded, "warning")
    wired = connect(loaded)
    if not database().current(loaded.store.url):
        raise ConfigError(f"{loaded.path}: [store]: the database has no schema yet; run: crossgate migrate")
    return wired


def unsealed(error: Exception) -> ConfigError | None:
    """What to say when the store was sealed under a master key that we do not have; None for any other error."""
    # Imported once something went wrong: `crossgate --help` has no use for cryptography.
    from broker.seal.errors import SealBroken

    if not isinstance(error, SealBroken):
        return None
    return ConfigError(f"[seal]: {error}; if the master key was changed, bring the old one back, after the new one: NEW,OLD")


def logs(loaded: Config, level: str | None = None) -> None:
    """Log as the file says, or at another level. Libraries that tell every step do so only to who asks for it."""
    from broker.system.logs import configure

    wanted = level or loaded.log.level
    configure(wanted, loaded.log.format)
    if wanted != "debug":
        for name in ("alembic", "xmlschema"):
            logging.getLogger(name).setLevel(logging.WARNING)


def connect(loaded: Config) -> Wired:
    """A broker for a configuration. Nothing has connected yet. Raises ConfigError, also for a master key that cannot be used."""
    from broker.wiring import build

    try:
        return build(loaded)
    except (OSError, ValueError) as error:  # their words name the file, never the key
        raise ConfigError(f"{loaded.path}: [seal]: {error}") from None
