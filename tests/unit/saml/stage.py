"""A provider under a clock that stands still, and an identity provider in a box that answers it."""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from lxml import etree

from providers.base import Inbound, KeyPair, LoginAsk, LoginStart, ProviderSpec, Toolbox, UpstreamIdentity
from providers.saml.provider import SamlProvider
from tests.fakes.saml_forge import Answer, Asked, Base, IdpBox, form_value, read_request
from tests.fakes.saml_keys import Key, key

NOW = datetime(2026, 5, 4, 12, 0, 0, tzinfo=UTC)
ACS = "https://sso.acme.example/saml2/idpresponse"
SLO = "https://sso.acme.example/saml2/logout"
ENTITY = "urn:amazon:cognito:sp:eu-west-1_Acme01"


def pair(made: Key) -> KeyPair:
    return KeyPair(made.name, made.private_pem, made.certificate_pem)


@functools.cache
def idp() -> IdpBox:
    return IdpBox("https://idp.example/metadata", key("unit-idp"), key("unit-sp-decryption"))


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def toolbox(clock: Clock) -> Toolbox:
    numbers = itertools.count(1)
    return Toolbox(clock=clock, fetch=None, token=lambda size: f"tok{next(numbers)}".ljust(-(-size * 4 // 3), "x"))


def make_spec(options: dict[str, Any] | None = None, **changes: Any) -> ProviderSpec:
    spec = ProviderSpec(
        pool_id="eu-west-1_Acme01",
        provider_id="prov-1",
        name="Acme",
        kind="saml",
        options={"metadata": idp().metadata(), **(options or {})},
        entity_id=ENTITY,
        callback_urls=(ACS,),
        logout_urls=(SLO,),
        signing_key=pair(key("unit-sp-signing")),
        decryption_keys=(pair(key("unit-sp-decryption")),),
    )
    return replace(spec, **changes)


@dataclass
class Stage:
    """A provider, and a login that was begun with it."""

    options: dict[str, Any] = field(default_factory=dict)
    changes: dict[str, Any] = field(default_factory=dict)
    ask: dict[str, Any] = field(default_factory=dict)
    clock: Clock = field(default_factory=Clock)
    provider: SamlProvider = field(init=False)
    start: LoginStart = field(init=False)
    asked: Asked = field(init=False)

    def __post_init__(self) -> None:
        self.provider = SamlProvider.from_spec(make_spec(self.options, **self.changes), toolbox(self.clock))
        self.start = self.provider.start(LoginAsk("handle-1", ACS, **self.ask))
        self.asked = read_request(self.start)

    def answer(self, **changes: Any) -> Answer:
        return replace(idp().answer_to(self.asked, self.clock.now), **changes)

    def respond(self, base: Base, **changes: Any) -> bytes:
        return idp().respond(self.answer(**changes), base)

    def finish(self, document: bytes | etree._Element, *, memo: bool = True) -> UpstreamIdentity:
        octets = document if isinstance(document, bytes) else etree.tostring(document)
        return self.provider.finish(self.start.memo if memo else None, posted(octets))


def posted(document: bytes, url: str = ACS) -> Inbound:
    return Inbound("POST", url, form=(("SAMLResponse", form_value(document)), ("RelayState", "handle-1")))
