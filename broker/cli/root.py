"""The commands by name, and what becomes of an error: one line, and an exit status that scripts can rely on."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import click

from broker.cli.options import unsealed
from broker.cli.output import note
from broker.errors import BrokerError, ConfigError

# Name -> where it is. Imported when it is called for: `crossgate version` has no use for a web server.
COMMANDS = {
    "serve": "broker.cli.serve:serve",
    "worker": "broker.cli.worker:worker",
    "check": "broker.cli.settings:check",
    "apply": "broker.cli.settings:apply",
    "demo": "broker.cli.demo:demo",
    "migrate": "broker.cli.database:migrate",
    "backup": "broker.cli.database:backup",
    "restore": "broker.cli.database:restore",
    "keys": "broker.cli.keys:keys",
    "credentials": "broker.cli.credentials:credentials",
    "trace": "broker.cli.trace:trace",
    "explain": "broker.cli.explain:explain",
    "reach": "broker.cli.reach:reach",
    "version": "broker.cli.version:version",
}


class Commands(click.Group):
    """A group that imports its commands late and turns our errors into lines."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order in which one meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Exit status 2: the configuration, or how the command was called. 1: it was right, and could not be done."""
        try:
            return super().invoke(ctx)
        except ConfigError as error:
            note(error.private)
            sys.exit(2)
        except BrokerError as error:
            note(f"{error.code}: {error.private}")
            sys.exit(1)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            if (foreign := unsealed(error)) is None:
                raise
            note(foreign.private)
            sys.exit(2)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def crossgate() -> None:
    """Crossgate: SAML and OpenID Connect in, one kind of token out.

    \b
    See it work:          crossgate demo
    Check your file:      crossgate check crossgate.toml
    Run it:               crossgate serve --config crossgate.toml

    Every command explains itself: crossgate COMMAND --help.
    """
