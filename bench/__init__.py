"""Measurements of Crossgate beside its peers: `make bench`, or `python -m bench NAME... [--quick] [--json FILE]`."""
