"""Our SAML metadata for a pool (an extension to spec B.6): signed, with every host's endpoints and every key in its life."""

from __future__ import annotations

from broker.flows.kit import FlowKit
from broker.flows.upstreams import saml_entity_id
from broker.model.settings import UserPool
from metadata.saml import publish
from metadata.saml.keys import private_key


def sp_metadata(kit: FlowKit, pool: UserPool) -> bytes:
    """The signed EntityDescriptor, UTF-8."""
    bases = kit.addresses.bases(pool)
    signing = kit.keys.key_pairs(pool.id, "saml_signing")
    description = publish.SpDescription(
        entity_id=saml_entity_id(pool),
        acs_urls=tuple(f"{base}/saml2/idpresponse" for base in bases),
        logout_urls=tuple(f"{base}/saml2/logout" for base in bases),
        signing_certificates=tuple(key.certificate_pem for key in signing),
        encryption_certificates=tuple(key.certificate_pem for key in kit.keys.key_pairs(pool.id, "saml_decryption")),
    )
    return publish.sp_metadata(description, private_key(signing[0].private_pem, signing[0].certificate_pem))
