"""Ways to spoil a value. Each takes an honest one and gives the values to send in its place: none, one, or several under one name."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from random import Random

HUGE = 10_000_000


class Raw(bytes):
    """Octets that go out as they are, not percent-encoded."""


Spoil = Callable[[Random, bytes], list[bytes]]


def _flip(rng: Random, value: bytes) -> bytes:
    if not value:
        return b"\x7f"
    at = rng.randrange(len(value))
    return value[:at] + bytes([value[at] ^ (1 << rng.randrange(8))]) + value[at + 1 :]


def _inside_base64(rng: Random, value: bytes) -> bytes:
    """Damage under the encoding: what a parser sees of a SAML message or of a part of a JWT."""
    head, dot, rest = value.partition(b".")
    try:
        plain = base64.b64decode(head.replace(b"-", b"+").replace(b"_", b"/") + b"==")
    except binascii.Error:
        return _flip(rng, value)
    for _ in range(rng.choice((1, 1, 3, 20))):
        plain = rng.choice((_flip, _cut, _repeat))(rng, plain)
    encoded = base64.b64encode(plain)
    return (encoded.rstrip(b"=").replace(b"+", b"-").replace(b"/", b"_") + dot + rest) if dot else encoded


def _cut(rng: Random, value: bytes) -> bytes:
    return value[: rng.randrange(len(value) + 1)]


def _repeat(rng: Random, value: bytes) -> bytes:
    at = rng.randrange(len(value) + 1)
    return value[:at] + value[at : at + 30] * 3 + value[at:]


def _constant(*values: bytes) -> Spoil:
    return lambda rng, value: [rng.choice(values)]


def _base64(text: str) -> bytes:
    return base64.b64encode(text.encode())


SAML_RUBBISH = (
    '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
    "<a" + "><a" * 5000 + ">",
    '<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"/>',
    "\ufeff<?xml version='1.0' encoding='utf-16'?><a/>",
    "not xml at all",
)
JWT_RUBBISH = (b"e30.e30.", b"eyJhbGciOiJub25lIn0.e30.", b"eyJhbGciOiJIUzI1NiIsImtpZCI6WzFdfQ.W10.AA", b"..", b"a.b.c", b"bnVsbA.bnVsbA.AA")

SPOILS: dict[str, Spoil] = {
    "missing": lambda rng, value: [],
    "empty": lambda rng, value: [b""],
    "doubled": lambda rng, value: [value, value],
    "doubled otherwise": lambda rng, value: [value, b"other"],
    "long": _constant(b"a" * 3000, b"1" * 5000, "ü".encode() * 2000),
    "longer": lambda rng, value: [value + b"A" * 20_000],
    "longest": _constant(b"a" * 70_000, b"%" * 100_000, b"A" * 400_000),
    "NUL": lambda rng, value: [rng.choice((b"\0", value + b"\0", b"\0" + value, value[:3] + b"\0" + value[3:]))],
    "control characters": _constant(b"\r\nX-Injected: yes", b"\r\n\r\n<b>", b"\x1b[31m", b"\x7f\x08", b"\t\x0b\x0c"),
    "bad UTF-8": lambda rng, value: [rng.choice((b"\xff\xfe\xc0\x80", Raw(b"\xff\xfe"), value + b"\xe2\x82", b"\xf8\x88\x80\x80\x80"))],
    "surrogates": _constant(b"\xed\xa0\x80", b"\xed\xa0\x80\xed\xb0\x80", b"\\ud800", "\ufffe\uffff".encode()),
    "bad percent": lambda rng, value: [rng.choice((Raw(b"%zz%"), Raw(b"%"), Raw(b"%u0041"), Raw(b"%00%ff"), Raw(b"a=b&&==&c")))],
    "bad base64": _constant(b"!!!!", b"====", b"QQ=Q", b"-_-_", b"Basic !!!", b"Bearer", b"Basic Og==", b"Basic /w=="),
    "rubbish in base64": lambda rng, value: [base64.b64encode(rng.randbytes(rng.randrange(1, 400)))],
    "rubbish in XML": lambda rng, value: [_base64(rng.choice(SAML_RUBBISH))],
    "rubbish in JWT": lambda rng, value: [rng.choice((b"", b"Bearer ")) + rng.choice(JWT_RUBBISH)],
    "damaged inside": lambda rng, value: [_inside_base64(rng, value)],
    "flipped": lambda rng, value: [_flip(rng, value)],
    "cut": lambda rng, value: [_cut(rng, value)],
    "other case": lambda rng, value: [value.swapcase()],
    "wide": lambda rng, value: [rng.choice((b" " + value, value + b" ", value + b"\n", b"\xc2\xa0" + value, b"+" + value))],
    "number": _constant(b"0", b"-1", b"1e999", b"99999999999999999999999999", b"NaN", b"0x10", b"1.5", "٣".encode(), b"1_000"),
    "wrong type": _constant(b"true", b"null", b"[]", b'{"a": 1}', b'["a", {"b": null}]', b"\x80\x04\x95", b"()"),
    "scripts of the world": _constant("ｃｏｄｅ".encode(), "\u202eabc".encode(), "İıẞ".encode(), "👩‍👩‍👧".encode(), "a\u0301".encode()),
    "path": _constant(b"../../../../etc/passwd", b"..%2f..%2f", b"/", b"//evil.example", b"file:///etc/passwd", b"C:\\"),
    "address": _constant(
        b"https://evil.example/",
        b"javascript:alert(1)",
        b"http://[::1",
        b"http://a:b@c/",
        b"https://evil.example\\@good",
        b"http://:99999/",
    ),
    "template": _constant(b"{{7*7}}", b"${jndi:ldap://x}", b"%s%n%d", b"{0.__class__}", b"<script>alert(1)</script>", b"' OR 1=1 --"),
    "words": _constant(b"none login", b"openid " * 300, b" ", b"openid openid", b"login none consent select_account", b"urn:x"),
}
# Ten megabytes take a while to send: seldom among the others, and once everywhere at first.
HUGE_SPOIL: Spoil = lambda rng, value: [b"A" * HUGE]  # noqa: E731
