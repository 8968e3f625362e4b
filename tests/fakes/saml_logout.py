"""Logout messages of the identity provider in a box, in both bindings, signed or not."""

from __future__ import annotations

import base64
import urllib.parse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from xml.sax.saxutils import escape, quoteattr

from lxml import etree

from tests.fakes import saml_names as n
from tests.fakes.saml_forge import deflate, stamp
from tests.fakes.saml_keys import Key
from tests.fakes.saml_sign import Signer, rsa_signer, sign


@dataclass(frozen=True)
class LogoutAsk:
    """A LogoutRequest of the identity provider."""

    issuer: str
    destination: str
    now: datetime
    name_id: str = "alice@corp.example"
    name_id_format: str | None = n.FORMAT_EMAIL
    name_id_extra: tuple[tuple[str, str], ...] = ()
    session_indexes: Sequence[str] = ("_s1",)
    message_id: str = "_lr1"
    lifetime: timedelta | None = timedelta(minutes=5)

    def markup(self) -> str:
        until = f' NotOnOrAfter="{stamp(self.now + self.lifetime)}"' if self.lifetime is not None else ""
        about = "".join(
            f" {key}={quoteattr(value)}" for key, value in (("Format", self.name_id_format), *self.name_id_extra) if value is not None
        )
        indexes = "".join(f"<samlp:SessionIndex>{escape(i)}</samlp:SessionIndex>" for i in self.session_indexes)
        return (
            f'<samlp:LogoutRequest xmlns:samlp="{n.SAMLP}" xmlns:saml="{n.SAML}" ID="{self.message_id}" Version="2.0"'
            f' IssueInstant="{stamp(self.now)}" Destination={quoteattr(self.destination)}{until}>'
            f"<saml:Issuer>{escape(self.issuer)}</saml:Issuer>"
            f"<saml:NameID{about}>{escape(self.name_id)}</saml:NameID>{indexes}</samlp:LogoutRequest>"
        )


@dataclass(frozen=True)
class LogoutReply:
    """A LogoutResponse of the identity provider."""

    issuer: str
    destination: str
    now: datetime
    in_response_to: str | None
    status: str = "Success"
    message_id: str = "_lo1"

    def markup(self) -> str:
        reply = f" InResponseTo={quoteattr(self.in_response_to)}" if self.in_response_to else ""
        return (
            f'<samlp:LogoutResponse xmlns:samlp="{n.SAMLP}" xmlns:saml="{n.SAML}" ID="{self.message_id}" Version="2.0"'
            f' IssueInstant="{stamp(self.now)}" Destination={quoteattr(self.destination)}{reply}>'
            f"<saml:Issuer>{escape(self.issuer)}</saml:Issuer>"
            f'<samlp:Status><samlp:StatusCode Value="{n.STATUS}{self.status}"/></samlp:Status></samlp:LogoutResponse>'
        )


def posted(markup: str, key: Key | None, edit: Callable[[etree._Element], object] | None = None) -> bytes:
    """The document of the POST binding, signed when a key is given; `edit` comes before the signature."""
    root = n.parse(markup.encode())
    if edit is not None:
        edit(root)
    if key is not None:
        sign(root, key)
    return n.serialize(root)


@dataclass(frozen=True)
class Redirect:
    """A message in the redirect binding, and every part of its query that a forger may change."""

    name: str
    document: bytes = field(repr=False)
    signer: Signer | None = field(default=None, repr=False)
    algorithm: str = n.RSA_SHA256
    relay_state: str | None = "relay-1"

    def parts(self) -> list[tuple[str, str]]:
        """Name and URL-encoded value, in the order of bindings 3.4.4.1, the signature last."""
        pairs = [(self.name, deflate(self.document))]
        if self.relay_state is not None:
            pairs.append(("RelayState", self.relay_state))
        if self.signer is not None:
            pairs.append(("SigAlg", self.algorithm))
        encoded = [(name, urllib.parse.quote(value, safe="")) for name, value in pairs]
        if self.signer is not None:
            octets = "&".join(f"{name}={value}" for name, value in encoded).encode()
            value = base64.b64encode(self.signer(octets)).decode()
            encoded.append(("Signature", urllib.parse.quote(value, safe="")))
        return encoded

    def query(self) -> str:
        return join(self.parts())


def join(parts: Sequence[tuple[str, str]]) -> str:
    """A raw query of parts that are URL-encoded already."""
    return "&".join(f"{name}={value}" for name, value in parts)


def redirected(name: str, markup: str, key: Key | None, relay_state: str | None = "relay-1") -> str:
    """The raw query of a message in the redirect binding; signed when a key is given."""
    return Redirect(name, markup.encode(), rsa_signer(key) if key else None, relay_state=relay_state).query()
