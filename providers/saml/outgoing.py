"""The messages that we send: AuthnRequest, LogoutRequest, LogoutResponse. pysaml2 builds them, our backend signs them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from saml2 import class_name, saml, samlp

from metadata.saml.entity import Endpoint
from metadata.saml.names import (
    BINDING_POST,
    NAME_ID_ENTITY,
    NAME_ID_TRANSIENT,
    NAME_ID_UNSPECIFIED,
    STATUS_SUCCESS,
)
from metadata.saml.times import write_time
from providers.base import KeyPair, LoginStart
from providers.saml.backend import client_for
from providers.saml.delivery import by_post, by_redirect
from providers.saml.memo import Memo
from providers.saml.options import SamlOptions
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


def authn_request(sender: Sender, endpoint: Endpoint, memo: Memo, options: SamlOptions, *, passive: bool) -> Any:
    """An AuthnRequest as pysaml2's object. ForceAuthn and the asked contexts are those of the memo, so that the answer is held to them."""
    extra: dict[str, Any] = {"issue_instant": write_time(memo.sent_at)}
    if memo.force_authn:
        extra["force_authn"] = "true"
    if passive:
        extra["is_passive"] = "true"
    if memo.authn_context:
        comparison = options.authn_context_comparison
        extra["requested_authn_context"] = {
            "authn_context_class_ref": list(memo.authn_context),
            "comparison": comparison,
        }
    wanted = options.name_id_format
    return sender.client.create_authn_request(
        endpoint.location,
        binding=BINDING_POST,
        message_id=memo.request_id,
        sign=False,
        assertion_consumer_service_url=memo.callback_url,
        nameid_format=wanted,
        allow_create=None if wanted == NAME_ID_TRANSIENT else "true",
        **extra,
    )[1]


def logout_request(sender: Sender, letter: Letter, message_id: str, now: datetime, name: NameId, index: str | None) -> Any:
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
    return request


def logout_response(sender: Sender, letter: Letter, message_id: str, now: datetime, in_response_to: str) -> Any:
    """A LogoutResponse that says Success: the request was verified, and the broker ends the sessions before it sends this on."""
    return samlp.LogoutResponse(
        id=message_id,
        version="2.0",
        issue_instant=write_time(now),
        destination=letter.location,
        in_response_to=in_response_to,
        issuer=_issuer(sender),
        status=samlp.Status(status_code=samlp.StatusCode(value=STATUS_SUCCESS)),
    )


def _issuer(sender: Sender) -> Any:
    return saml.Issuer(text=sender.entity_id, format=NAME_ID_ENTITY)


def send(sender: Sender, message: Any, letter: Letter) -> LoginStart:
    """Put a message on its way by the endpoint's binding. Signed as the binding has it: in the query, or in the XML."""
    security = sender.client.sec
    if letter.endpoint.binding == "redirect":
        signer = security.sec_backend.get_signer() if letter.signed else None
        url = by_redirect(letter.location, letter.parameter, str(message).encode("utf-8"), letter.relay_state, signer)
        return LoginStart("redirect", url, {}, letter.memo)
    xml = str(message)
    if letter.signed:
        xml = security.sign_statement(xml, class_name(message), node_id=message.id)
    return by_post(letter.location, letter.parameter, xml.encode("utf-8"), letter.relay_state, letter.memo)
