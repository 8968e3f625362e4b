"""The AuthnRequest (saml-core-2.0-os, 3.4.1), written out: every sign-in sends one, and its handful of places needs no library."""

from __future__ import annotations

from dataclasses import dataclass
from xml.sax.saxutils import escape

from metadata.saml.names import BINDING_POST, NAME_ID_ENTITY, NAME_ID_TRANSIENT, SAML, SAMLP
from metadata.saml.times import write_time
from providers.saml.memo import Memo
from providers.saml.options import SamlOptions

_IN_ATTRIBUTES = {'"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}


@dataclass(frozen=True, slots=True)
class Message:
    """A message of ours, not signed yet. `id` is the ID of its root."""

    id: str
    xml: str


def authn_request(entity_id: str, location: str, memo: Memo, options: SamlOptions, *, passive: bool) -> Message:
    """An AuthnRequest for `location`. ForceAuthn and the asked contexts are those of the memo, so that the answer is held to them."""
    attributes = {
        "ID": memo.request_id,
        "Version": "2.0",
        "IssueInstant": write_time(memo.sent_at),
        "Destination": location,
        **({"ForceAuthn": "true"} if memo.force_authn else {}),
        **({"IsPassive": "true"} if passive else {}),
        "ProtocolBinding": BINDING_POST,
        "AssertionConsumerServiceURL": memo.callback_url,
    }
    xml = (
        f'<samlp:AuthnRequest xmlns:samlp="{SAMLP}" xmlns:saml="{SAML}"{_attributes(attributes)}>'
        f'<saml:Issuer Format="{NAME_ID_ENTITY}">{escape(entity_id)}</saml:Issuer>'
        f"{_name_id_policy(options.name_id_format)}{_contexts(memo, options)}</samlp:AuthnRequest>"
    )
    return Message(memo.request_id, xml)


def _name_id_policy(wanted: str | None) -> str:
    """AllowCreate says nothing with a transient id, which is always made anew."""
    if wanted is None:
        return ""
    create = {} if wanted == NAME_ID_TRANSIENT else {"AllowCreate": "true"}
    return f"<samlp:NameIDPolicy{_attributes({'Format': wanted, **create})}/>"


def _contexts(memo: Memo, options: SamlOptions) -> str:
    if not memo.authn_context:
        return ""
    classes = "".join(f"<saml:AuthnContextClassRef>{escape(name)}</saml:AuthnContextClassRef>" for name in memo.authn_context)
    comparison = _attributes({"Comparison": options.authn_context_comparison})
    return f"<samlp:RequestedAuthnContext{comparison}>{classes}</samlp:RequestedAuthnContext>"


def _attributes(values: dict[str, str]) -> str:
    return "".join(f' {name}="{escape(value, _IN_ATTRIBUTES)}"' for name, value in values.items())
