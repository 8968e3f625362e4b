"""What condition operators compare: one small matcher a policy value, read once and strictly (spec F.3).

A matcher says whether one request value matches one policy value. A request value that cannot be read, such as a word where a number is
wanted, matches nothing; it never raises.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import operator
import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Protocol

from broker.identitypool.policy.arns import split
from broker.identitypool.policy.context import ContextKeys
from broker.identitypool.policy.faults import Fault, shown
from broker.identitypool.policy.glob import Wild, fold
from broker.identitypool.policy.pattern import Pattern, Piece, Variable, fill, read, split_colons


class Matcher(Protocol):
    """Whether a request's value matches; the keys are there for variables."""

    def __call__(self, value: str, keys: ContextKeys, /) -> bool: ...


Reader = Callable[[str, str, bool], Matcher]
"""(policy value, element, whether variables are read) -> its matcher. Raises Fault."""

_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,64}(?:\.[0-9]{0,64})?|\.[0-9]{1,64})")
_EPOCH = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,9})?")
_DAY = r"(?P<year>[0-9]{4})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})"
_TIME = r"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2}(?:\.[0-9]{1,9})?))?"
_ZONE = r"(?:Z|(?P<sign>[+-])(?P<zone_hour>[0-9]{2}):?(?P<zone_minute>[0-9]{2}))"
_ISO = re.compile(f"{_DAY}(?:T{_TIME}{_ZONE})?")


def string_equals(text: str, element: str, variables: bool) -> Matcher:
    pieces = read(text, element, wildcards=False, variables=variables)
    if _static(pieces):
        wanted = _joined(pieces)
        return lambda value, keys: value == wanted
    return lambda value, keys: _filled(pieces, keys) == value


def string_equals_any_case(text: str, element: str, variables: bool) -> Matcher:
    pieces = read(text, element, wildcards=False, variables=variables)
    if _static(pieces):
        wanted = fold(_joined(pieces))
        return lambda value, keys: fold(value) == wanted

    def matches(value: str, keys: ContextKeys) -> bool:
        filled = _filled(pieces, keys)
        return filled is not None and fold(filled) == fold(value)

    return matches


def string_like(text: str, element: str, variables: bool) -> Matcher:
    pattern = Pattern(read(text, element, wildcards=True, variables=variables), text)
    return lambda value, keys: pattern.matches(value, keys.single)


def boolean(text: str, element: str, variables: bool) -> Matcher:
    """Variables are allowed here: IAM's pages contradict each other, and a variable that is no Boolean matches nothing."""
    pieces = read(text, element, wildcards=False, variables=variables)
    if _static(pieces):
        wanted = fold(_joined(pieces))
        if wanted not in {"true", "false"}:
            raise Fault(element, f'{shown(text)} is no Boolean; write "true" or "false"')
        return lambda value, keys: fold(value) == wanted

    def matches(value: str, keys: ContextKeys) -> bool:
        filled = fold(_filled(pieces, keys) or "")
        return filled in {"true", "false"} and fold(value) == filled

    return matches


def binary(text: str, element: str, variables: bool) -> Matcher:
    wanted = _base64(text)
    if wanted is None:
        raise Fault(element, f"{shown(text)} is not Base64")
    return lambda value, keys: _base64(value) == wanted


def number(compare: Callable[[Decimal, Decimal], bool]) -> Reader:
    return _ordered(_number, compare, "a decimal number such as 10 or 2.5")


def moment(compare: Callable[[Decimal, Decimal], bool]) -> Reader:
    return _ordered(_moment, compare, "a date: ISO 8601 with a time zone, such as 2030-01-31T12:00:00Z, or seconds since 1970")


COMPARE: dict[str, Callable[[Decimal, Decimal], bool]] = {
    "Equals": operator.eq,
    "LessThan": operator.lt,
    "LessThanEquals": operator.le,
    "GreaterThan": operator.gt,
    "GreaterThanEquals": operator.ge,
}


def ip_address(text: str, element: str, variables: bool) -> Matcher:
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise Fault(element, f"{shown(text)} is no address or network; write 203.0.113.0/24 or 2001:db8::/32") from None
    mapped = getattr(network.network_address, "ipv4_mapped", None)
    if mapped is not None and network.prefixlen >= 96:
        network = ipaddress.ip_network((mapped, network.prefixlen - 96))
    version, mask, wanted = network.version, int(network.netmask), int(network.network_address)

    def matches(value: str, keys: ContextKeys) -> bool:
        address = _address(value)
        return address is not None and address.version == version and int(address) & mask == wanted

    return matches


def arn_like(text: str, element: str, variables: bool) -> Matcher:
    """Each of the six parts by itself: a `*` crosses no colon, but in the last part. `*` alone is any ARN, and so is a lone variable's."""
    pieces = read(text, element, wildcards=True, variables=variables)
    if pieces == (Wild.STAR,):
        return lambda value, keys: split(value) is not None
    if len(pieces) == 1 and isinstance(pieces[0], Variable):
        return lambda value, keys: split(value) is not None and _filled(pieces, keys) == value
    parts = split_colons(pieces, 5)
    if len(parts) != 6 or parts[0] != ("arn",) or any(not part for part in (*parts[1:3], parts[5])):
        raise Fault(element, f"{shown(text)} is no ARN; write all six parts, such as arn:aws:iam::123456789012:role/*")
    patterns = [Pattern(part, text) for part in parts]

    def matches(value: str, keys: ContextKeys) -> bool:
        found = split(value)
        return found is not None and all(pattern.matches(part, keys.single) for pattern, part in zip(patterns, found, strict=True))

    return matches


def truth(text: str, element: str) -> bool:
    """The value of `Null`. Raises Fault if it is no Boolean."""
    if fold(text) not in {"true", "false"}:
        raise Fault(element, f'{shown(text)} is no Boolean; write "true" (the key is absent) or "false" (it is there)')
    return fold(text) == "true"


def _static(pieces: tuple[Piece, ...]) -> bool:
    return not any(isinstance(piece, Variable) for piece in pieces)


def _joined(pieces: tuple[Piece, ...]) -> str:
    return "".join(piece for piece in pieces if isinstance(piece, str))


def _filled(pieces: tuple[Piece, ...], keys: ContextKeys) -> str | None:
    """The text with its values; None if a variable has none. There are no wildcards in it."""
    filled = fill(pieces, keys.single)
    return None if filled is None else "".join(piece for piece in filled if isinstance(piece, str))


def _ordered(parse: Callable[[str], Decimal | None], compare: Callable[[Decimal, Decimal], bool], wanted_words: str) -> Reader:
    def reader(text: str, element: str, variables: bool) -> Matcher:
        wanted = parse(text)
        if wanted is None:
            raise Fault(element, f"{shown(text)} is not {wanted_words}")

        def matches(value: str, keys: ContextKeys) -> bool:
            found = parse(value)
            return found is not None and compare(found, wanted)

        return matches

    return reader


def _number(text: str) -> Decimal | None:
    return Decimal(text) if _NUMBER.fullmatch(text) else None


def _moment(text: str) -> Decimal | None:
    """Seconds since 1970, exactly. A day alone is its midnight in UTC."""
    if _EPOCH.fullmatch(text):
        return Decimal(text)
    found = _ISO.fullmatch(text)
    if found is None:
        return None
    try:
        days = date(int(found["year"]), int(found["month"]), int(found["day"])).toordinal() - date(1970, 1, 1).toordinal()
    except ValueError:
        return None
    hour, minute, second = int(found["hour"] or 0), int(found["minute"] or 0), Decimal(found["second"] or 0)
    zone_hour, zone_minute = int(found["zone_hour"] or 0), int(found["zone_minute"] or 0)
    if hour > 23 or minute > 59 or second >= 60 or zone_hour > 23 or zone_minute > 59:
        return None
    zone = (zone_hour * 60 + zone_minute) * (-60 if found["sign"] == "-" else 60)
    return Decimal(days * 86400 + hour * 3600 + minute * 60 - zone) + second


def _base64(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """An IPv4 address in IPv6 clothes (::ffff:192.0.2.1) is the IPv4 address, or it would slip past the networks that name it."""
    if "%" in text:
        return None
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
