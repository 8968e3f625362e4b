"""The identity provider that all brokers are measured with, and its message: 8 kB, twelve attributes, RSA-2048 with SHA-256."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.fakes.saml_forge import Answer, Asked, Attribute, IdpBox, form_value
from tests.fakes.saml_keys import Key, key
from tests.fakes.saml_names import FORMAT_PERSISTENT, NAME_URI

ENTITY = "https://idp.example.org/idp"
REDIRECT_URI = "https://rp.example.org/cb"
CLIENT_ID, CLIENT_SECRET = "rp1", "s" * 32

# What a university sends. `{user}` is the user's number.
ATTRIBUTES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("urn:oid:0.9.2342.19200300.100.1.1", "uid", ("jdoe{user}",)),
    ("urn:oid:0.9.2342.19200300.100.1.3", "mail", ("jane.doe{user}@example.org",)),
    ("urn:oid:2.5.4.42", "givenName", ("Jane",)),
    ("urn:oid:2.5.4.4", "sn", ("Doe",)),
    ("urn:oid:2.5.4.3", "cn", ("Jane Doe",)),
    ("urn:oid:2.16.840.1.113730.3.1.241", "displayName", ("Jane Q. Doe",)),
    ("urn:oid:1.3.6.1.4.1.5923.1.1.1.6", "eduPersonPrincipalName", ("jdoe{user}@example.org",)),
    ("urn:oid:1.3.6.1.4.1.5923.1.1.1.9", "eduPersonScopedAffiliation", ("staff@example.org", "member@example.org", "employee@example.org")),
    (
        "urn:oid:1.3.6.1.4.1.5923.1.1.1.7",
        "eduPersonEntitlement",
        tuple(f"urn:mace:example.org:entitlement:research:computing:project-{number:02}:member" for number in range(17)),
    ),
    ("urn:oid:1.3.6.1.4.1.5923.1.1.1.11", "eduPersonAssurance", ("https://refeds.org/assurance", "https://refeds.org/assurance/IAP/high")),
    ("urn:oid:2.5.4.10", "o", ("Example University",)),
    ("urn:oid:1.3.6.1.4.1.25178.1.2.9", "schacHomeOrganization", ("example.org",)),
)


def entity(provider: int) -> str:
    """The entity id of the IdP of that number: one party can play many."""
    return f"{ENTITY}{provider}" if provider else ENTITY


def attributes(user: int) -> tuple[Attribute, ...]:
    """What the IdP says of a user."""
    return tuple(
        Attribute(name, tuple(value.replace("{user}", str(user)) for value in values), NAME_URI, friendly)
        for name, friendly, values in ATTRIBUTES
    )


@dataclass(frozen=True)
class Party:
    """The IdP with its files: `idp.xml`, and the keys that peers read: `idp.crt`, `sp.key`, `sp.crt`."""

    box: IdpBox
    sp: Key

    @classmethod
    def write(cls, folder: Path) -> Party:
        """Make the keys and write the files."""
        party = cls(IdpBox(ENTITY, key("idp.example.org"), sp_encryption=key("sp.example.org")), key("sp.example.org"))
        (folder / "idp.xml").write_text(party.box.metadata())
        (folder / "idp.crt").write_text(party.box.key.certificate_pem)
        (folder / "sp.key").write_text(party.sp.private_pem)
        (folder / "sp.crt").write_text(party.sp.certificate_pem)
        return party

    def answer(self, asked: Asked, user: int, lifetime: timedelta = timedelta(minutes=5)) -> Answer:
        """What it says to a request, of this user."""
        return Answer(
            issuer=self.box.entity_id,
            acs=asked.acs,
            audience=asked.issuer,
            now=datetime.now(UTC),
            in_response_to=asked.request_id,
            name_id=f"{user:032x}",
            name_id_format=FORMAT_PERSISTENT,
            attributes=attributes(user),
            response_id=f"_{secrets.token_hex(16)}",
            assertion_id=f"_{secrets.token_hex(16)}",
            session_index=f"_{secrets.token_hex(8)}",
            lifetime=lifetime,
        )

    def respond(self, asked: Asked, user: int, provider: int = 0) -> dict[str, str]:
        """The fields of the form that it makes the browser post: the assertion is signed, as most IdPs do."""
        fields = {"SAMLResponse": form_value(self.box.respond(replace(self.answer(asked, user), issuer=entity(provider)), "G-A"))}
        return {**fields, "RelayState": asked.relay_state} if asked.relay_state else fields
