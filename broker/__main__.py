"""`crossgate` and `python -m broker`."""

from __future__ import annotations

from broker.cli import crossgate


def main() -> None:
    """The command line."""
    crossgate(prog_name="crossgate")


if __name__ == "__main__":
    main()
