"""XML Encryption by hand: anyone can encrypt to a service provider, since its certificate is public."""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from lxml import etree

from tests.fakes import saml_names as n
from tests.fakes.saml_keys import Key

ELEMENT = n.XENC + "Element"
CONTENT = n.XENC + "Content"
AES128_GCM = n.XENC11 + "aes128-gcm"
AES256_GCM = n.XENC11 + "aes256-gcm"
AES128_CBC = n.XENC + "aes128-cbc"
AES256_CBC = n.XENC + "aes256-cbc"
TRIPLEDES_CBC = n.XENC + "tripledes-cbc"
RSA_OAEP_MGF1P = n.XENC + "rsa-oaep-mgf1p"
RSA_OAEP_11 = n.XENC11 + "rsa-oaep"
RSA_1_5 = n.XENC + "rsa-1_5"
KEY_SIZES = {AES128_GCM: 16, AES256_GCM: 32, AES128_CBC: 16, AES256_CBC: 32, TRIPLEDES_CBC: 24}


@dataclass(frozen=True)
class Seal:
    """How to encrypt, and to whom. `inline` puts EncryptedKey into the KeyInfo, otherwise beside EncryptedData."""

    recipient: Key
    cipher: str = AES256_GCM
    transport: str = RSA_OAEP_MGF1P
    inline: bool = True
    oaep_digest: str = n.SHA1
    type_uri: str = ELEMENT
    content_key: bytes | None = None


def encrypt_octets(octets: bytes, cipher: str, key: bytes) -> bytes:
    """IV (or nonce) and ciphertext, as EncryptedData carries them."""
    if cipher in (AES128_GCM, AES256_GCM):
        nonce = os.urandom(12)
        encryptor = Cipher(algorithms.AES(key), modes.GCM(nonce)).encryptor()
        return nonce + encryptor.update(octets) + encryptor.finalize() + encryptor.tag
    if cipher == TRIPLEDES_CBC:
        from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES

        block, algorithm = 8, TripleDES(key)
    else:
        block, algorithm = 16, algorithms.AES(key)
    short = block - len(octets) % block
    iv = os.urandom(block)
    encryptor = Cipher(algorithm, modes.CBC(iv)).encryptor()
    return iv + encryptor.update(octets + bytes(short - 1) + bytes([short])) + encryptor.finalize()


def wrap_key(key: bytes, seal: Seal) -> bytes:
    """The content key under the recipient's public key."""
    if seal.transport == RSA_1_5:
        return seal.recipient.public.encrypt(key, padding.PKCS1v15())
    digest = {n.SHA1: hashes.SHA1, n.SHA256: hashes.SHA256}[seal.oaep_digest]()
    mask = hashes.SHA1() if seal.transport == RSA_OAEP_MGF1P else digest
    return seal.recipient.public.encrypt(key, padding.OAEP(padding.MGF1(mask), digest, None))


def encrypted_key(wrapped: bytes, seal: Seal, key_id: str = "") -> str:
    """The markup of an EncryptedKey."""
    method = f'<ds:DigestMethod Algorithm="{seal.oaep_digest}"/>' if seal.transport != RSA_1_5 else ""
    if seal.transport == RSA_OAEP_11:
        method += f'<MGF xmlns="{n.XENC11}" Algorithm="{n.XENC11}mgf1{seal.oaep_digest.rpartition("#")[2]}"/>'
    identity = f' Id="{key_id}"' if key_id else ""
    return (
        f'<xenc:EncryptedKey{identity}><xenc:EncryptionMethod Algorithm="{seal.transport}">{method}'
        "</xenc:EncryptionMethod><xenc:CipherData><xenc:CipherValue>"
        f"{base64.b64encode(wrapped).decode()}</xenc:CipherValue></xenc:CipherData></xenc:EncryptedKey>"
    )


def encrypt(octets: bytes, seal: Seal, wrapper: str = "saml:EncryptedAssertion") -> etree._Element:
    """Any octets at all as an EncryptedAssertion (or EncryptedID, EncryptedAttribute)."""
    key = seal.content_key or os.urandom(KEY_SIZES[seal.cipher])
    wrapped = encrypted_key(wrap_key(key, seal), seal, "" if seal.inline else "_ek1")
    retrieval = f'<ds:RetrievalMethod Type="{n.XENC}EncryptedKey" URI="#_ek1"/>'
    value = base64.b64encode(encrypt_octets(octets, seal.cipher, key)).decode()
    return n.xml(
        f'<{wrapper}><xenc:EncryptedData Id="_ed1" Type="{seal.type_uri}">'
        f'<xenc:EncryptionMethod Algorithm="{seal.cipher}"/>'
        f"<ds:KeyInfo>{wrapped if seal.inline else retrieval}</ds:KeyInfo>"
        f"<xenc:CipherData><xenc:CipherValue>{value}</xenc:CipherValue></xenc:CipherData>"
        f"</xenc:EncryptedData>{'' if seal.inline else wrapped}</{wrapper}>"
    )


def encrypt_element(element: etree._Element, seal: Seal, wrapper: str = "saml:EncryptedAssertion") -> etree._Element:
    """Put the element's encrypted form in its place."""
    sealed = encrypt(n.serialize(element), seal, wrapper)
    parent = element.getparent()
    parent.replace(element, sealed)
    return sealed
