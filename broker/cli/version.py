"""`crossgate version`."""

from __future__ import annotations

import click

from broker.cli.output import say


@click.command()
def version() -> None:
    """Print the version."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        say(f"crossgate {installed('crossgate')}")
    except PackageNotFoundError:  # run from a source tree
        say("crossgate (not installed)")
