"""Rules for attributes that every adapter of this family shares."""

from __future__ import annotations

TOKEN_NAMES = ("access_token", "id_token", "refresh_token")
"""Attribute names that are ours: an upstream's claim of that name is dropped, a token stands there if the option says so."""


def is_true(value: object) -> bool:
    """A verified flag, strictly: JSON true, or the string "true" that some providers send. 1, "True", "yes" are not (OA-R4.2)."""
    return value is True or value == "true"
