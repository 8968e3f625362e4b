"""Bad input at every route: `python -m tests.fuzz --seconds N`."""
