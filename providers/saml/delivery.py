"""How messages travel through the browser: taking one out of an Inbound, and putting one into a LoginStart."""

from __future__ import annotations

import base64
import binascii
import re
from urllib.parse import quote, urlsplit

from metadata.saml.query import deflate
from providers.base import Inbound, LoginStart
from providers.saml.backend import Signer
from providers.saml.expected import refuse

MESSAGES = ("SAMLRequest", "SAMLResponse")
BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")


def take_post(inbound: Inbound, parameter: str, max_chars: int) -> bytes:
    """The XML in the one form field `parameter`; never inflated (H2).

    Raises ResponseInvalid: method, parameter_missing, parameter_doubled, parameter_unexpected, message_too_large, message_base64.
    """
    if inbound.method != "POST":
        refuse("method", "the message must come by POST")  # H15
    if any(name in MESSAGES for name, _ in inbound.query):
        refuse("parameter_unexpected", "a SAML message in the query of a POST")
    found = [value for name, value in inbound.form if name == parameter]
    if len(found) != 1:
        refuse("parameter_doubled" if found else "parameter_missing", f"{len(found)} {parameter} fields")
    if any(name.startswith(("SAML", "Sig")) and name != parameter for name, _ in inbound.form):
        refuse("parameter_unexpected", "fields of another binding or of two messages in one form")  # H9, H12, H17
    if sum(1 for name, _ in inbound.form if name == "RelayState") > 1:
        refuse("parameter_doubled", "RelayState more than once")
    if len(found[0]) > max_chars:
        refuse("message_too_large", f"{len(found[0])} characters, {max_chars} allowed")  # H3: before decoding
    return decode(found[0])


def decode(value: str) -> bytes:
    """Strict base64 (H13). Line breaks are admitted where MIME puts them: after lines of one length, at most 76 characters."""
    lines = value.split("\n") if "\n" in value else [value]
    if len(lines) > 1:
        lines = [line.removesuffix("\r") for line in lines]
        if lines[-1] == "":
            lines.pop()
        widths = {len(line) for line in lines[:-1]}
        if len(widths) > 1 or max(widths | {len(lines[-1])}) > 76 or (widths and len(lines[-1]) > max(widths)):
            refuse("message_base64", "line breaks in odd places")
    joined = "".join(lines)
    try:
        data = binascii.a2b_base64(joined.encode("ascii"), strict_mode=True)
    except (binascii.Error, ValueError):
        refuse("message_base64", "not base64")
    whole = len(data) // 3 * 3  # only the last quantum can be written in two ways
    if len(joined) % 4 or base64.b64encode(data[whole:]).decode("ascii") != joined[whole // 3 * 4 :]:
        refuse("message_base64", "not the canonical base64 of anything")
    return data


def by_redirect(location: str, parameter: str, xml: bytes, relay_state: str, signer: Signer | None) -> str:
    """The URL of the Redirect binding, signed if there is a signer (saml-bindings-2.0-os, 3.4.4.1)."""
    parts = [(parameter, deflate(xml))]
    if relay_state:
        parts.append(("RelayState", relay_state))
    if signer is not None:
        parts.append(("SigAlg", signer.algorithm))
    query = "&".join(f"{name}={_quoted(value)}" for name, value in parts)
    if signer is not None:
        signature = base64.b64encode(signer.sign(query.encode("ascii"))).decode("ascii")
        query += f"&Signature={_quoted(signature)}"
    return f"{location}{'&' if urlsplit(location).query else '?'}{query}"


def _quoted(value: str) -> str:
    """Percent-encoded. What is long here is base64, of which only three characters need it; `quote` would look at each."""
    if BASE64.fullmatch(value):
        return value.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")
    return quote(value, safe="")


def by_post(location: str, parameter: str, xml: bytes, relay_state: str, memo: bytes) -> LoginStart:
    """The form of the POST binding; the page that carries it escapes the fields."""
    fields = {parameter: base64.b64encode(xml).decode("ascii")}
    if relay_state:
        fields["RelayState"] = relay_state
    return LoginStart("form_post", location, fields, memo)
