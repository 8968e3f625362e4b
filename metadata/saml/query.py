"""The Redirect binding's query string, read and verified over the octets as they were sent (saml-bindings-2.0-os, section 3.4.4).

Decoding and encoding again would verify a string that nobody sent, so the signature's input is cut from the raw query (row H10).
"""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import unquote_plus, unquote_to_bytes

from metadata.errors import DocumentInvalid
from metadata.saml.keys import verify_key
from metadata.saml.signature import verify_octets
from metadata.saml.signed_info import METHODS, METHODS_SHA1, refuse

_NAMES = ("SAMLRequest", "SAMLResponse", "RelayState", "SigAlg", "Signature", "SAMLEncoding")
MAX_QUERY = 65_536


@dataclass(frozen=True, slots=True)
class RedirectMessage:
    """A message that came by query string, inflated, its signature verified or (`signed` False) absent."""

    parameter: Literal["SAMLRequest", "SAMLResponse"]
    xml: bytes = field(repr=False)
    relay_state: str | None
    signed: bool


def read_query(
    raw_query: str, certificates: Iterable[str] | None, *, allow_sha1: bool = False, max_bytes: int = 100_000
) -> RedirectMessage:
    """Take the message out of a raw query string and verify its signature if there is one.

    Parameters of others are ignored; ours may appear once, and their names may not be percent-encoded (H9 to H12). `max_bytes` bounds the
    inflated XML. Without certificates (None) nothing is verified, and nothing counts as signed: for a look at who may have sent it.
    Raises DocumentInvalid (query_*, deflate_*) and SignatureInvalid (signature_*).
    """
    raw = _own_parameters(raw_query)
    sent = [name for name in ("SAMLRequest", "SAMLResponse") if name in raw]
    if len(sent) != 1:
        raise _bad("query_message", f"{len(sent)} messages in one query")
    if unquote_plus(raw.get("SAMLEncoding", "")) not in ("", "urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:DEFLATE"):
        raise _bad("query_encoding", "SAMLEncoding is not DEFLATE")
    parameter: Literal["SAMLRequest", "SAMLResponse"] = "SAMLRequest" if sent[0] == "SAMLRequest" else "SAMLResponse"
    signed = False
    if certificates is not None and ("Signature" in raw or "SigAlg" in raw):
        signed = True
        _verify(raw, parameter, certificates, allow_sha1)
    relay_state = unquote_plus(raw["RelayState"]) if "RelayState" in raw else None
    return RedirectMessage(parameter, inflate(_base64(raw[parameter]), max_bytes), relay_state, signed)


def _own_parameters(raw_query: str) -> dict[str, str]:
    if len(raw_query) > MAX_QUERY or not raw_query.isascii():
        raise _bad("query_malformed", "query string too long or not ASCII")
    found: dict[str, str] = {}
    for pair in raw_query.split("&"):
        name, _, value = pair.partition("=")
        if unquote_plus(name) not in _NAMES:
            continue
        if name not in _NAMES or name in found:
            raise _bad("query_parameter_doubled", "a SAML parameter twice, or its name in disguise")
        found[name] = value
    return found


def _verify(raw: dict[str, str], parameter: str, certificates: Iterable[str], allow_sha1: bool) -> None:
    algorithm = unquote_plus(raw.get("SigAlg", ""))
    methods = METHODS_SHA1 if allow_sha1 else METHODS
    if algorithm not in methods:
        raise refuse("signature_algorithm", f"SigAlg {algorithm[:100]!r} is not allowed")  # H11
    order = (parameter, "RelayState", "SigAlg")
    octets = "&".join(f"{name}={raw[name]}" for name in order if name in raw).encode("ascii")
    try:
        signature = _base64(raw.get("Signature", ""))
    except DocumentInvalid:
        raise refuse("signature_structure", "the Signature is not base64") from None
    for key in map(verify_key, certificates):
        if key.kind == methods[algorithm][0] and verify_octets(octets, signature, algorithm, key):
            return
    raise refuse("signature_wrong", "does not verify with any pinned key")


def deflate(xml: bytes) -> str:
    """Raw DEFLATE, then base64; percent-encoding is the caller's."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return base64.b64encode(packer.compress(xml) + packer.flush()).decode("ascii")


def inflate(data: bytes, max_bytes: int) -> bytes:
    """Raw INFLATE that never makes more than `max_bytes` (H1: 194 kB became 200 MB). Raises DocumentInvalid."""
    unpacker = zlib.decompressobj(-15)
    try:
        out = unpacker.decompress(data, max_bytes + 1)
    except zlib.error:
        raise _bad("deflate_malformed", "not a DEFLATE stream") from None
    if len(out) > max_bytes:
        raise _bad("deflate_too_large", f"inflates to more than {max_bytes} octets")
    if not unpacker.eof or unpacker.unused_data:
        raise _bad("deflate_malformed", "cut off, or followed by something else")
    return out


def _base64(raw_value: str) -> bytes:
    try:
        return base64.b64decode(unquote_to_bytes(raw_value.replace("+", "%20")), validate=True)
    except (binascii.Error, ValueError):
        raise _bad("query_base64", "not base64") from None


def _bad(code: str, private: str) -> DocumentInvalid:
    return DocumentInvalid("The message could not be read.", private, code=code)
