"""The command line. Each command imports what it needs when it runs, so that `--help` is there at once."""

from broker.cli.root import crossgate

__all__ = ["crossgate"]
