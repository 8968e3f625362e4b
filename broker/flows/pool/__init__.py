"""Pools, clients and providers as whole records: applying a file, keeping metadata fresh."""
