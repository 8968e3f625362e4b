"""The checks of the strict reader: small, named, and each refusing with reasons of its own."""
