"""Crossgate against software that others wrote; `make parties` installs that, starts it, and runs these tests."""
