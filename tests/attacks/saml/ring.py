"""The ring: our service provider on one side, identity providers and a forger on the other, under a clock that stands still.

One `Ring` is one signature policy with one setting of IdP-initiated login. Requests are made once a ring and answered as often as a
row likes: the reader keeps nothing between calls, and its burns are the flow's to burn.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal

from lxml import etree

from providers.base import Inbound, KeyPair, LoginAsk, LoginStart, ProviderSpec, Toolbox, UpstreamIdentity
from providers.saml.provider import SamlProvider
from tests.fakes import saml_names as n
from tests.fakes.saml_forge import Answer, Asked, Base, Edit, IdpBox, form_value, read_request
from tests.fakes.saml_keys import Key, key

Policy = Literal["assertion", "response", "both", "either"]
POLICIES: tuple[Policy, ...] = ("assertion", "response", "both", "either")
BASES: tuple[Base, ...] = ("G-R", "G-A", "G-B", "G-E", "G-EA")
TAKES: Mapping[Policy, tuple[Base, ...]] = {
    "assertion": ("G-A", "G-B", "G-E", "G-EA"),
    "response": ("G-R", "G-B", "G-E"),
    "both": ("G-B", "G-E"),
    "either": BASES,
}

NOW = datetime(2026, 5, 4, 12, 0, 0, tzinfo=UTC)
ACS = "https://sso.acme.example/saml2/idpresponse"
SLO = "https://sso.acme.example/saml2/logout"
OTHER_ACS = "https://sso.globex.example/saml2/idpresponse"
ENTITY = "urn:amazon:cognito:sp:eu-west-1_Acme01"
HANDLE = "handle-of-this-login-0123456789abcdef"


@functools.cache
def idp_a() -> IdpBox:
    """The identity provider that we trust."""
    return IdpBox("https://idp-a.example/metadata", key("idp-a"), key("sp-decryption"))


@functools.cache
def idp_b() -> IdpBox:
    """Another one, registered by another tenant: its signatures are good, but not ours to believe."""
    return IdpBox("https://idp-b.example/metadata", key("idp-b"), key("sp-decryption"))


def pair(made: Key) -> KeyPair:
    """A key as the broker hands it to a provider."""
    return KeyPair(made.name, made.private_pem, made.certificate_pem)


class Clock:
    """A clock that stands still until a test moves it."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


class Canary:
    """A fetcher that fetches nothing and remembers that it was asked."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def called(*args: object, **kwargs: object) -> Any:
            self.calls.append(f"{name}{args}{kwargs}")
            raise AssertionError(f"an outbound request was attempted: {name}{args}")

        return called

    def __call__(self, *args: object, **kwargs: object) -> Any:
        self.calls.append(f"{args}{kwargs}")
        raise AssertionError(f"an outbound request was attempted: {args}")


def toolbox(clock: Clock, canary: Canary) -> Toolbox:
    """Tokens that are the same in every ring, so that one honest message serves them all."""
    numbers = itertools.count(1)
    return Toolbox(clock=clock, fetch=canary, token=lambda size: f"tok{next(numbers)}".ljust(-(-size * 4 // 3), "x"))


def spec_for(idp: IdpBox | str, options: Mapping[str, Any] | None = None, **changes: Any) -> ProviderSpec:
    """Settings of a provider, as the broker would store them. `idp` is the IdP, or its metadata."""
    metadata = idp if isinstance(idp, str) else idp.metadata()
    spec = ProviderSpec(
        pool_id="eu-west-1_Acme01",
        provider_id="prov-a",
        name="AcmeIdP",
        kind="saml",
        options={"metadata_file": metadata, **(options or {})},
        entity_id=ENTITY,
        callback_urls=(ACS,),
        logout_urls=(SLO,),
        signing_key=pair(key("sp-signing")),
        decryption_keys=(pair(key("sp-decryption")),),
    )
    return replace(spec, **changes)


def options_for(policy: Policy, idp_initiated: bool) -> dict[str, Any]:
    return {"signature_policy": policy, "idp_initiated": idp_initiated}


@dataclass
class Ring:
    """A provider of ours, and a login begun with it unless the IdP begins (`solicited` False)."""

    policy: Policy = "either"
    idp_initiated: bool = False
    solicited: bool = True
    idp: IdpBox = field(default_factory=idp_a)
    provider: SamlProvider = field(init=False)
    start: LoginStart = field(init=False)
    asked: Asked = field(init=False)
    clock: Clock = field(init=False, default_factory=Clock)
    canary: Canary = field(init=False, default_factory=Canary)
    options: Mapping[str, Any] = field(default_factory=dict)
    changes: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        options = {**options_for(self.policy, self.idp_initiated), **self.options}
        self.provider = SamlProvider.from_spec(spec_for(self.idp, options, **self.changes), toolbox(self.clock, self.canary))
        self.start = self.provider.start(LoginAsk(HANDLE, self.changes.get("callback_urls", (ACS,))[0]))
        self.asked = read_request(self.start)

    def __str__(self) -> str:
        return f"{self.policy}/{'sp' if self.solicited else 'idp'}-initiated/{'on' if self.idp_initiated else 'off'}"

    @property
    def memo(self) -> bytes | None:
        return self.start.memo if self.solicited else None

    def answer(self, **changes: Any) -> Answer:
        """An honest answer to this ring's request, or one that nobody asked for."""
        answer = self.idp.answer_to(self.asked, self.clock.now)
        return replace(answer, in_response_to=answer.in_response_to if self.solicited else None, **changes)

    def finish(self, message: Message) -> UpstreamIdentity:
        """Give the reader a message as the browser would."""
        return self.provider.finish(self.memo, inbound(message))


Message = bytes | str | etree._Element | Inbound
"""A document, a SAMLResponse field as it stands, a tree, or everything that the browser sends."""


def inbound(message: Message) -> Inbound:
    """The POST of a message to our ACS."""
    if isinstance(message, Inbound):
        return message
    if isinstance(message, etree._Element):
        message = n.serialize(message)
    value = form_value(message) if isinstance(message, bytes) else message
    return Inbound("POST", ACS, form=(("SAMLResponse", value), ("RelayState", HANDLE)))


@functools.cache
def rings() -> tuple[Ring, ...]:
    """Every signature policy with every way of beginning."""
    modes = ((False, True), (True, True), (True, False))
    return tuple(Ring(policy, allowed, solicited) for policy in POLICIES for allowed, solicited in modes)


@functools.cache
def ring(policy: Policy = "either", idp_initiated: bool = False, solicited: bool = True) -> Ring:
    """One ring by its settings."""
    return next(found for found in rings() if (found.policy, found.idp_initiated, found.solicited) == (policy, idp_initiated, solicited))


_honest: dict[tuple[IdpBox, Answer, Base], bytes] = {}


@dataclass(frozen=True)
class Scene:
    """What a row's construction starts from: an honest, signed message in one ring."""

    ring: Ring
    base: Base
    said: Mapping[str, Any] = field(default_factory=dict)

    @property
    def idp(self) -> IdpBox:
        return self.ring.idp

    @property
    def other(self) -> IdpBox:
        return idp_b()

    @property
    def evil(self) -> Key:
        return key("attacker")

    @property
    def answer(self) -> Answer:
        return self.ring.answer(**self.said)

    @property
    def document(self) -> bytes:
        """The honest message: signed once, the same octets each time."""
        known = (self.idp, self.answer, self.base)
        if known not in _honest:
            _honest[known] = self.idp.respond(self.answer, self.base)
        return _honest[known]

    def tree(self) -> etree._Element:
        """The honest message, to be torn apart."""
        return n.parse(self.document)

    def unsigned(self) -> etree._Element:
        """The same words without any signature."""
        return n.parse(self.answer.response().encode())

    def signed(self, edit: Edit | None = None, **changes: Any) -> bytes:
        """What the identity provider truly signs, however odd: other words, or an edit before the signature."""
        return self.idp.respond(replace(self.answer, **changes), self.base, edit)
