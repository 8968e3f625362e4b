"""`crossgate demo`."""

from __future__ import annotations

import sys

import click

from broker.cli.options import json_option


@click.command()
@click.option("--headless", is_flag=True, help="Perform both sign-ins as a browser would, print the tokens, and end.")
@json_option
def demo(headless: bool, as_json: bool) -> None:
    """Run a broker with sample identity providers and a sample app.

    Everything runs on this machine and is gone afterwards. Open the address that is printed, sign in through one
    provider, then through the other, and compare the tokens. Ctrl-C ends it.

    \b
    Examples:
      crossgate demo                       # for your browser
      crossgate demo --headless            # no browser: exits 0, or says what failed
      crossgate demo --headless --json     # the decoded tokens as one object
    """
    from broker.demo import run

    sys.exit(run(headless=headless, as_json=as_json))
