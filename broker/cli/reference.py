"""The page about the commands, from their own help: `python -m broker.cli.reference > docs/reference/cli.md`."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import click

from broker.cli.root import crossgate

WIDTH = 100
HEAD = """# Commands

<!-- Written by `python -m broker.cli.reference`; do not edit. -->

`crossgate COMMAND --help` shows what stands here. Every command that needs a configuration takes it from `--config`,
from the environment's `CROSSGATE_CONFIG`, or from `crossgate.toml` in the working directory. With `--json`, there is one
object on standard output; warnings and errors are lines on standard error.

| Exit status | Meaning |
|---|---|
| 0 | done |
| 1 | it was asked for rightly and could not be done: a store that is away, a record that somebody else owns |
| 2 | the configuration, or the command line, is wrong; one line a mistake |
"""


def pages() -> Iterator[str]:
    """The page, part by part."""
    yield HEAD
    rows = [f"| `crossgate {' '.join(words)}` | {command.get_short_help_str(200).rstrip('.')} |" for words, command in commands()]
    yield "\n".join(["| Command | What it does |", "|---|---|", *rows]) + "\n"
    for words, command in commands():
        yield f"## {' '.join(words)}\n\n```text\n{help_of(words, command)}\n```\n"


def commands() -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command with its words; those of a group after the group."""
    context = click.Context(crossgate, info_name="crossgate")
    for name in crossgate.list_commands(context):
        command = crossgate.get_command(context, name)
        assert command is not None
        yield (name,), command
        if isinstance(command, click.Group):
            for inner in command.list_commands(context):
                below = command.get_command(context, inner)
                assert below is not None
                yield (name, inner), below


def help_of(words: tuple[str, ...], command: click.Command) -> str:
    """The help as a terminal of a fixed width shows it."""
    context = click.Context(command, info_name=" ".join(("crossgate", *words)), terminal_width=WIDTH, max_content_width=WIDTH)
    return "\n".join(line.rstrip() for line in command.get_help(context).splitlines())


if __name__ == "__main__":
    sys.stdout.write("\n".join(pages()))
