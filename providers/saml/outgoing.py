"""Sending our messages, and those of logout, which pysaml2 builds; our backend signs them all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from saml2 import saml, samlp

from metadata.saml.entity import Endpoint
from metadata.saml.names import (
    NAME_ID_ENTITY,
    NAME_ID_UNSPECIFIED,
    STATUS_SUCCESS,
)
from metadata.saml.times import write_time
from providers.base import KeyPair, LoginStart
from providers.saml.authn_request import Message
from providers.saml.backend import client_for
from providers.saml.delivery import by_post, by_redirect
from providers.saml.subject import NameId

LOGOUT_REQUEST_LIFE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends: our entity id, the ACS that the client is known by, and the pool's signing key."""

    entity_id: str
    callback_url: str
    signing_key: KeyPair | None

    @property
    def client(self) -> Any:
        """pysaml2's client, from the LRU."""
        return client_for(self.entity_id, self.callback_url, self.signing_key)


@dataclass(frozen=True, slots=True)
class Letter:
    """A message on its way: where to, under which parameter, and what comes back with the answer."""

    endpoint: Endpoint
    parameter: str
    relay_state: str
    memo: bytes
    signed: bool = True
    reply: bool = False

    @property
    def location(self) -> str:
        """Answers may have an address of their own (saml-metadata-2.0-os, 2.2.2)."""
        return (self.endpoint.response_location if self.reply else None) or self.endpoint.location


def logout_request(sender: Sender, letter: Letter, message_id: str, now: datetime, name: NameId, index: str | None) -> Message:
    """A LogoutRequest for one session, or for all of the subject's if there is no index."""
    name_id = saml.NameID(text=name.value, format=None if name.format == NAME_ID_UNSPECIFIED else name.format)
    if name.name_qualifier:
        name_id.name_qualifier = name.name_qualifier
    if name.sp_name_qualifier:
        name_id.sp_name_qualifier = name.sp_name_qualifier
    request = samlp.LogoutRequest(
        id=message_id,
        version="2.0",
        issue_instant=write_time(now),
        destination=letter.location,
        issuer=_issuer(sender),
        not_on_or_after=write_time(now + LOGOUT_REQUEST_LIFE),
        name_id=name_id,
    )
    if index:
        request.session_index = [samlp.SessionIndex(text=index)]
    return Message(message_id, str(request))


def logout_response(sender: Sender, letter: Letter, message_id: str, now: datetime, in_response_to: str) -> Message:
    """A LogoutResponse that says Success: the request was verified, and the broker ends the sessions before it sends this on."""
    response = samlp.LogoutResponse(
        id=message_id,
        version="2.0",
        issue_instant=write_time(now),
        destination=letter.location,
        in_response_to=in_response_to,
        issuer=_issuer(sender),
        status=samlp.Status(status_code=samlp.StatusCode(value=STATUS_SUCCESS)),
    )
    return Message(message_id, str(response))


def _issuer(sender: Sender) -> Any:
    return saml.Issuer(text=sender.entity_id, format=NAME_ID_ENTITY)


def send(sender: Sender, message: Message, letter: Letter) -> LoginStart:
    """Put a message on its way by the endpoint's binding. Signed as the binding has it: in the query, or in the XML."""
    security, xml = sender.client.sec, message.xml
    if letter.endpoint.binding == "redirect":
        signer = security.sec_backend.get_signer() if letter.signed else None
        url = by_redirect(letter.location, letter.parameter, xml.encode("utf-8"), letter.relay_state, signer)
        return LoginStart("redirect", url, {}, letter.memo)
    if letter.signed:
        xml = security.crypto.sign_statement(xml, "", None, message.id)
    return by_post(letter.location, letter.parameter, xml.encode("utf-8"), letter.relay_state, letter.memo)
