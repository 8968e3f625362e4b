"""The demo: a broker, a sample SAML IdP, a sample OpenID provider and a sample app, all on this machine, all real."""

from __future__ import annotations


def run(headless: bool = False, as_json: bool = False) -> int:
    """Run the demo until Ctrl-C. `headless` signs in both ways as a browser would, prints the tokens and returns 0, or says why not: 1."""
    from broker.demo.stage import run as play

    return play(headless, as_json)
