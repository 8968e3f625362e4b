"""pysaml2's cryptography, replaced by ours: no xmlsec1 binary, no subprocess, no key files.

pysaml2 7.5 builds messages well, but signs by starting a program for each, or by a module that has only the name in common with ours.
So its client is built for the latter, and then all three places where it keeps a backend are replaced. Verifying is not offered: what
comes in is read by our own reader, never by pysaml2.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from lxml import etree
from saml2.client import Saml2Client
from saml2.config import SPConfig
from saml2.sigver import CryptoBackend

from metadata.saml.keys import PrivateKey, private_key
from metadata.saml.names import BINDING_POST
from metadata.saml.sign import DEFAULT_METHOD, sign_element, sign_raw
from metadata.saml.xml import parse
from providers.base import KeyPair
from providers.errors import ResponseInvalid


class Signer:
    """Signs the octets of a query string, in the form pysaml2 expects of `get_signer`."""

    def __init__(self, key: PrivateKey) -> None:
        self.key = key
        self.algorithm = DEFAULT_METHOD[key.kind]

    def sign(self, octets: bytes, key: object = None) -> bytes:
        """The raw signature. `key` is pysaml2's and is ignored. Raises DocumentInvalid (signing_failed)."""
        return sign_raw(octets, self.key, self.algorithm)


class SignerBackend:
    """What pysaml2 calls `sec_backend`: gives the signer of our current key."""

    def __init__(self, key: PrivateKey | None) -> None:
        self._signer = Signer(key) if key is not None else None

    def get_signer(self, sigalg: object = None, sigkey: object = None) -> Signer | None:
        """The signer, whatever algorithm is asked: the key decides. None if the pool has no key."""
        return self._signer


class XmlsecBackend(CryptoBackend):  # type: ignore[misc]  # pysaml2 has no types
    """Signs with python-xmlsec, in process, with one key that is loaded already."""

    version = "1.3.9"

    def __init__(self, key: PrivateKey | None) -> None:
        super().__init__()
        self._key = key

    def sign_statement(self, statement: object, node_name: str, key_file: object, node_id: str) -> str:
        """Sign the root of `statement`, which must have the ID `node_id`. Raises DocumentInvalid (signing_failed), ValueError."""
        root = parse(str(statement).encode("utf-8"))
        if self._key is None or root.get("ID") != node_id:
            raise ValueError("no signing key, or not the element that was to be signed")
        sign_element(root, self._key)
        return etree.tostring(root, encoding="unicode")

    def _refused(self, *args: object, **kwargs: object) -> Any:
        """Never true, never a plain text: whatever led here, nothing may come in by pysaml2. Raises ResponseInvalid."""
        raise ResponseInvalid("incoming messages are read by providers.saml.reader, never by pysaml2", reason="read_by_pysaml2")

    validate_signature = decrypt = encrypt = encrypt_assertion = _refused


@lru_cache(maxsize=128)
def client_for(entity_id: str, callback_url: str, signing_key: KeyPair | None) -> Any:
    """A pysaml2 client of one pool, without metadata (we read that ourselves), with its cryptography replaced.

    Lazy and kept: the first costs some 10 ms, later ones half a millisecond. Nothing in it changes after this, so threads may share it.
    """
    key = private_key(signing_key.private_pem, signing_key.certificate_pem) if signing_key is not None else None
    config = SPConfig().load(
        {
            "entityid": entity_id,
            "crypto_backend": "XMLSecurity",
            "service": {
                "sp": {
                    "endpoints": {"assertion_consumer_service": [(callback_url, BINDING_POST)]},
                    "authn_requests_signed": False,
                    "want_response_signed": True,
                    "allow_unsolicited": False,
                }
            },
        }
    )
    client = Saml2Client(config)
    client.sec.crypto = XmlsecBackend(key)
    client.sec.sec_backend = SignerBackend(key)
    if client.metadata is not None:
        client.metadata.security.crypto = client.sec.crypto
    return client
