"""The attributes of a profile: the standard ones, a pool's own, and what a value must look like (spec C.1). Pure.

It lies on this floor because the directory, the mapping of upstream claims and the tokens all need it and may not see each other.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import date, datetime
from types import MappingProxyType

from broker.model.settings import AttributeSchema, UserPool

MAX_VALUE = 2048
"""Characters in any attribute's value (spec C.1)."""

VERIFIED_FLAGS = MappingProxyType({"email": "email_verified", "phone_number": "phone_number_verified"})
"""Attribute -> the flag that says somebody proved it."""

_STANDARD = (
    AttributeSchema("sub", mutable=False, min_length=1),
    *(
        AttributeSchema(name)
        for name in (
            "address",
            "email",
            "family_name",
            "gender",
            "given_name",
            "locale",
            "middle_name",
            "name",
            "nickname",
            "phone_number",
            "picture",
            "preferred_username",
            "profile",
            "website",
            "zoneinfo",
        )
    ),
    AttributeSchema("birthdate", min_length=10, max_length=10),
    AttributeSchema("email_verified", data_type="Boolean"),
    AttributeSchema("phone_number_verified", data_type="Boolean"),
    AttributeSchema("updated_at", data_type="Number", min_value=0),
)
STANDARD: Mapping[str, AttributeSchema] = MappingProxyType({each.name: each for each in _STANDARD})

_EMAIL = re.compile(r"[^\s@\"<>(),:;\\\[\]]{1,64}@(?=.{1,255}\Z)[^\W_](?:[\w-]*[^\W_])?(?:\.[^\W_](?:[\w-]*[^\W_])?)*")
_PHONE = re.compile(r"\+[0-9]{1,15}")
_LOCALE = re.compile(r"[A-Za-z]{2,8}(?:[-_][A-Za-z0-9]{1,8})*")
_ZONE = re.compile(r"[A-Za-z0-9+_/-]+")
_SCHEME = re.compile(r"\s*([A-Za-z][A-Za-z0-9+.-]*)\s*:")
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?")
# Characters that make a value look like another one, or end it early in some other program.
_HIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def find(pool: UserPool, name: str) -> AttributeSchema | None:
    """The pool's own word on an attribute, or the standard one; None if the pool has no such attribute."""
    return _own(pool.schema).get(name) or STANDARD.get(name)


# A pool's schema by name. A settings record is read once and then handed out, so its schema is known by which object it is.
_OWN: dict[int, tuple[tuple[AttributeSchema, ...], dict[str, AttributeSchema]]] = {}
_MOST_KEPT = 512


def _own(schema: tuple[AttributeSchema, ...]) -> dict[str, AttributeSchema]:
    known = _OWN.get(id(schema))
    if known is None or known[0] is not schema:
        if len(_OWN) >= _MOST_KEPT:
            _OWN.clear()
        # The first of a name counts.
        known = _OWN[id(schema)] = (schema, {each.name: each for each in reversed(schema)})
    return known[1]


def required(pool: UserPool) -> tuple[str, ...]:
    """Names of the attributes that every profile of this pool must have (`sub` has one by itself)."""
    return tuple(each.name for each in pool.schema if each.required and each.name != "sub")


def problem(schema: AttributeSchema, value: str) -> str | None:
    """What is wrong with a value, in words without the value; None if it is right. An empty string (clearing) is always right."""
    if not value:
        return None
    longest = MAX_VALUE if schema.max_length is None else min(schema.max_length, MAX_VALUE)
    if len(value) > longest:
        return f"is longer than {longest} characters"
    if schema.min_length is not None and len(value) < schema.min_length:
        return f"is shorter than {schema.min_length} characters"
    if _HIDDEN.search(value):
        return "contains control or text-direction characters"
    return _type_problem(schema, value) or _shape_problem(schema.name, value)


def canonical_email(value: str) -> str:
    """The one form in which addresses are compared (attack OA-R4.11): ASCII letters in lower case, all else as it is.

    Plus tags and dots stay significant: folding them would join mailboxes that only some hosts treat as one. International domains are not
    converted, so the two spellings of one name are two addresses, which at worst fails to link.
    """
    return value.translate(_ASCII_LOWER)


def parse_verified(value: object) -> bool:
    """Strictly, whether a claim says "verified": true, or the text "true" in any case (Apple sends text). Nothing else, not even 1."""
    return value is True or (isinstance(value, str) and value.lower() == "true")


def as_claim(name: str, value: str) -> object:
    """The JSON form that an attribute takes in a token (spec A.2): flags are booleans, `address` an object, custom ones always text."""
    if name in VERIFIED_FLAGS.values():
        return parse_verified(value)
    if name == "address":
        return {"formatted": value}
    if name == "updated_at" and re.fullmatch(r"[0-9]{1,15}", value):
        return int(value)
    return value


_ASCII_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


def _type_problem(schema: AttributeSchema, value: str) -> str | None:
    if schema.data_type == "Number":
        return _number_problem(schema, value)
    if schema.data_type == "Boolean" and value not in {"true", "false"}:
        return "is neither true nor false"
    if schema.data_type == "DateTime" and not _is_datetime(value):
        return "is not a date and time (ISO 8601, or seconds since 1970)"
    return None


def _number_problem(schema: AttributeSchema, value: str) -> str | None:
    if not _NUMBER.fullmatch(value) or not value.isascii():
        return "is not a number"
    number = float(value)
    if schema.min_value is not None and number < schema.min_value:
        return f"is less than {schema.min_value:g}"
    if schema.max_value is not None and number > schema.max_value:
        return f"is more than {schema.max_value:g}"
    return None


def _is_datetime(value: str) -> bool:
    if re.fullmatch(r"[0-9]{1,15}", value):
        return True
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def _shape_problem(name: str, value: str) -> str | None:
    if name == "email" and not _is_email(value):
        return "does not look like an e-mail address"
    if name == "phone_number" and not _PHONE.fullmatch(value):
        return "is not + and digits"
    if name == "birthdate" and not _is_birthdate(value):
        return "is not a date of the form YYYY-MM-DD"
    if name == "locale" and not _LOCALE.fullmatch(value):
        return "is not a language tag"
    if name == "zoneinfo" and not _ZONE.fullmatch(value):
        return "is not a time zone's name"
    if name in {"picture", "website", "profile"}:
        # Applications put these into src and href: javascript: and data: would run there (attack DIR-D6.12).
        # A browser drops tabs and line ends from an address before it looks.
        scheme = _SCHEME.match(re.sub(r"[\t\r\n]", "", value))
        if scheme and scheme[1].lower() not in {"http", "https"}:
            return "is an address of a kind other than http and https"
    return None


def _is_email(value: str) -> bool:
    if not _EMAIL.fullmatch(value):
        return False
    # A character such as the Kelvin sign becomes an ASCII letter when lower-cased or normalised: then two addresses would compare equal.
    return not any(
        ord(char) > 127 and any(ord(each) < 128 for each in unicodedata.normalize("NFKC", char).lower() + char.lower()) for char in value
    )


def _is_birthdate(value: str) -> bool:
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        return False
    # OpenID Connect lets the year be 0000 when it is not told (Core 5.1); 2000 stands in for it so that 29 February passes.
    try:
        date.fromisoformat(value.replace("0000-", "2000-", 1) if value.startswith("0000-") else value)
    except ValueError:
        return False
    return True
