"""What an STS answers in the query protocol (spec E.4), read with suspicion: no document type, few elements, each in its one place."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from broker.model.sts import Credentials
from metadata.errors import DocumentInvalid

if TYPE_CHECKING:
    from lxml import etree

MOST_BYTES = 262_144
_KEY_ID = re.compile(r"[\w]{4,128}", re.ASCII)
_PRINTABLE = re.compile(r"[\x21-\x7e]{1,65536}")
NONSENSE = "Unreadable"
"""The code of an answer that is neither credentials nor an error: of our making, so never one of AWS's."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An answer that holds no credentials. `code` is the service's own or NONSENSE; `message` is printable and short."""

    status: int
    code: str
    message: str


def read_reply(status: int, body: bytes) -> Credentials | Failure:
    """Never raises: whatever cannot be read is a Failure."""
    # Imported here: the XML library costs a process that has no use for it a tenth of a second.
    from metadata.saml.xml import Limits, parse

    try:
        root = parse(body, Limits(MOST_BYTES, max_elements=200, max_attributes=200, max_depth=10))
    except DocumentInvalid as error:
        return Failure(status, NONSENSE, error.code)
    if status != 200:
        return _failure(status, root)
    try:
        return _credentials(root)
    except ValueError as odd:
        return Failure(status, NONSENSE, str(odd))


def _failure(status: int, root: etree._Element) -> Failure:
    """`<ErrorResponse><Error>`; some services leave the outer element out, or answer as S3 does."""
    error = _child(root, "Error") if _name(root) == "ErrorResponse" else root if _name(root) == "Error" else None
    if error is None:
        return Failure(status, NONSENSE, f"an element {_name(root)[:40]}")
    code, message = _text(_child(error, "Code")), _text(_child(error, "Message"))
    return Failure(status, _plain(code, 64) or NONSENSE, _plain(message, 300))


def _credentials(root: etree._Element) -> Credentials:
    result = _child(root, "AssumeRoleWithWebIdentityResult") if _name(root) == "AssumeRoleWithWebIdentityResponse" else None
    given = _child(result, "Credentials") if result is not None else None
    if given is None:
        raise ValueError("no Credentials")
    key_id, secret, token, end = (_text(_child(given, name)) for name in ("AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"))
    if not (_KEY_ID.fullmatch(key_id) and _PRINTABLE.fullmatch(secret) and _PRINTABLE.fullmatch(token)):
        raise ValueError("a part of the Credentials is missing or malformed")
    return Credentials(key_id, secret, token, _moment(end))


def _moment(text: str) -> datetime:
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("Expiration is not a time") from None
    return read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)


def _child(parent: etree._Element, name: str) -> etree._Element | None:
    """The one child of that name, in whatever namespace: AWS has one, others have none. Two of them are as good as none."""
    found = [child for child in parent if _name(child) == name]
    return found[0] if len(found) == 1 else None


def _name(element: etree._Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _text(element: etree._Element | None) -> str:
    return "" if element is None or len(element) else (element.text or "").strip()


def _plain(words: str, most: int) -> str:
    return "".join(char if char.isprintable() else " " for char in words).strip()[:most]
