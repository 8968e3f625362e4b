"""Single logout, what comes in: the IdP's own LogoutRequest, and its LogoutResponse to ours. Always signed (rows I1 to I10).

pysaml2's service provider cannot demand that signature, so nothing here is pysaml2's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from lxml import etree

from metadata.saml import signature
from metadata.saml.entity import Binding
from metadata.saml.names import SAMLP, STATUS_SUCCESS, tag
from metadata.saml.query import read_query
from metadata.saml.xml import children, reparse, text
from providers.base import Inbound
from providers.errors import ProviderError, UpstreamRefused
from providers.saml.checks import envelope
from providers.saml.checks.subject import NAME_ID, read_name_id
from providers.saml.delivery import MESSAGES, take_post
from providers.saml.expected import Expected, moment, quoted, reading, refuse
from providers.saml.memo import Memo
from providers.saml.shape import ISSUER, open_message
from providers.saml.subject import NameId

Kind = Literal["LogoutRequest", "LogoutResponse"]
_PARAMETER: dict[Kind, str] = {"LogoutRequest": "SAMLRequest", "LogoutResponse": "SAMLResponse"}
REQUEST_LIFE = timedelta(minutes=5)
MAX_SESSION_INDEXES = 100
MAX_RELAY_STATE = 1024


@dataclass(frozen=True, slots=True)
class Demand:
    """A LogoutRequest that was verified. `until` is how long it could be replayed; no indexes means all the subject's sessions."""

    message_id: str
    name: NameId
    session_indexes: tuple[str, ...]
    until: datetime
    binding: Binding
    relay_state: str


def read_logout_request(inbound: Inbound, want: Expected) -> Demand:
    """Verify a LogoutRequest (saml-core-2.0-os, 3.7.1). Raises ResponseInvalid."""
    with reading():
        root, binding, relay_state = _take(inbound, "LogoutRequest", want)
        _check_common(root, want)
        issued = moment(root.get("IssueInstant"), "issue_instant")
        if not want.now - REQUEST_LIFE - want.skew <= issued <= want.now + want.skew:
            refuse("issue_instant_past" if issued < want.now else "issue_instant_future", str(issued))
        if root.get("NotOnOrAfter") is not None:
            end = moment(root.get("NotOnOrAfter"), "logout_not_on_or_after")
            if end <= want.now - want.skew:
                refuse("logout_request_expired", str(end))
        name, indexes = _whom(root)
    until = issued + REQUEST_LIFE + 2 * want.skew
    return Demand(root.get("ID", ""), name, indexes, until, binding, relay_state)


def read_logout_response(inbound: Inbound, want: Expected, memo: Memo) -> None:
    """Verify the answer to our LogoutRequest. Raises ResponseInvalid, or UpstreamRefused if the IdP did not log out."""
    with reading():
        root, _, _ = _take(inbound, "LogoutResponse", want)
        _check_common(root, want)
        if memo.entity_id != want.idp.entity_id:
            refuse("request_for_another_idp")
        if root.get("InResponseTo") != memo.request_id:
            refuse("in_response_to_mismatch", quoted(root.get("InResponseTo")))
        issued = moment(root.get("IssueInstant"), "issue_instant")
        if not memo.sent_at - want.skew <= issued <= want.now + want.skew:
            refuse("issue_instant_past" if issued < want.now else "issue_instant_future", str(issued))
        codes = root.findall(f"{tag(SAMLP, 'Status')}/{tag(SAMLP, 'StatusCode')}")
        if len(codes) != 1:
            refuse("status_malformed", f"{len(codes)} StatusCodes")
        if codes[0].get("Value") != STATUS_SUCCESS:
            raise UpstreamRefused("logout_failed", private=f"logout: {quoted(codes[0].get('Value'))}")


def peek_issuer(inbound: Inbound, max_chars: int = 100_000) -> str | None:
    """Who says that he sent this logout message, so that the broker finds the provider to ask. Nothing is verified here."""
    for kind in _PARAMETER:
        try:
            with reading():
                found = open_message(_octets(inbound, kind, None, max_chars)[0], kind, max_chars).find(ISSUER)
                return None if found is None else text(found)
        except ProviderError:
            continue
    return None


def _take(inbound: Inbound, kind: Kind, want: Expected) -> tuple[etree._Element, Binding, str]:
    """The root of the message as its signature covered it; by query string the signature is over the raw octets (H10)."""
    size = want.options.max_response_bytes
    xml, relay_state, signed = _octets(inbound, kind, want.certificates, size, allow_sha1=want.options.allow_sha1)
    root = open_message(xml, kind, size)
    if signature.is_signed(root):
        verified = signature.verify(root, want.certificates, allow_sha1=want.options.allow_sha1)
        root, signed = reparse(verified.data), signed or inbound.method == "POST"
    if not signed:
        refuse("signature_missing", f"an unsigned {kind}")
    if len(relay_state) > MAX_RELAY_STATE:
        refuse("relay_state_too_long")
    return root, "post" if inbound.method == "POST" else "redirect", relay_state


def _octets(
    inbound: Inbound, kind: Kind, certificates: tuple[str, ...] | None, size: int, *, allow_sha1: bool = False
) -> tuple[bytes, str, bool]:
    parameter = _PARAMETER[kind]
    if inbound.method == "POST":
        relay_states = [value for name, value in inbound.form if name == "RelayState"]
        return take_post(inbound, parameter, size), (relay_states or [""])[0], False
    if any(name in MESSAGES for name, _ in inbound.form):
        refuse("parameter_unexpected", "a SAML message in the body of a GET")
    message = read_query(inbound.raw_query, certificates, allow_sha1=allow_sha1, max_bytes=size)
    if message.parameter != parameter:
        refuse("message_kind", f"{message.parameter} where {parameter} belongs")
    return message.xml, message.relay_state or "", message.signed


def _check_common(root: etree._Element, want: Expected) -> None:
    envelope.version(root, want)
    envelope.issuer(root, want)
    envelope.destination(root, want)


def _whom(root: etree._Element) -> tuple[NameId, tuple[str, ...]]:
    rest = [element for element in children(root) if element.tag not in (ISSUER, tag(SAMLP, "Extensions"), signature.SIGNATURE)]
    if not rest or rest[0].tag != NAME_ID:
        refuse("name_id_missing", "no plain NameID; encrypted ids are not offered")
    if any(element.tag != tag(SAMLP, "SessionIndex") for element in rest[1:]):
        refuse("logout_structure", "something other than SessionIndex behind the NameID")
    if len(rest) - 1 > MAX_SESSION_INDEXES:
        refuse("logout_too_many_sessions", f"{len(rest) - 1} SessionIndex")
    return read_name_id(rest[0]), tuple(text(element) for element in rest[1:])
