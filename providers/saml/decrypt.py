"""Opening an EncryptedAssertion (xmlenc-core1): RSA-OAEP key transport, AES-GCM and AES-CBC, nothing else.

Done with `cryptography` from a short table instead of libxmlsec's engine, so that no reference is followed (C26), no algorithm is
reachable that is not in the table (RSA-1_5 and 3DES are not), and every failure is the same failure (C25).
"""

from __future__ import annotations

import base64
import binascii
import itertools
from dataclasses import dataclass, field
from xml.sax.saxutils import quoteattr

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from lxml import etree

from metadata.saml.names import DS, XENC, XENC11, tag
from metadata.saml.xml import MESSAGE, children, parse, screen, text
from providers.base import KeyPair
from providers.errors import ProviderMisconfigured, ResponseInvalid
from providers.saml.expected import quoted, refuse

_CBC = {f"{XENC}aes128-cbc": 16, f"{XENC}aes192-cbc": 24, f"{XENC}aes256-cbc": 32}
_GCM = {f"{XENC11}aes128-gcm": 16, f"{XENC11}aes192-gcm": 24, f"{XENC11}aes256-gcm": 32}
_OAEP_MGF1P = f"{XENC}rsa-oaep-mgf1p"
_OAEP = f"{XENC11}rsa-oaep"
_SHA1 = f"{DS}sha1"
_DIGESTS: dict[str, type[hashes.HashAlgorithm]] = {
    _SHA1: hashes.SHA1,
    f"{XENC}sha256": hashes.SHA256,
    "http://www.w3.org/2001/04/xmldsig-more#sha384": hashes.SHA384,
    f"{XENC}sha512": hashes.SHA512,
}
_MASKS: dict[str, type[hashes.HashAlgorithm]] = {
    f"{XENC11}mgf1sha1": hashes.SHA1,
    f"{XENC11}mgf1sha256": hashes.SHA256,
    f"{XENC11}mgf1sha384": hashes.SHA384,
    f"{XENC11}mgf1sha512": hashes.SHA512,
}
MAX_ENCRYPTED_KEYS = 4
MAX_OUR_KEYS = 4


@dataclass(frozen=True, slots=True)
class _Wrapped:
    """An EncryptedKey, read."""

    octets: bytes = field(repr=False)
    scheme: padding.OAEP


def load_decryption_keys(pairs: tuple[KeyPair, ...]) -> tuple[rsa.RSAPrivateKey, ...]:
    """Our decryption keys, the current one first, at most four. Raises ProviderMisconfigured (decryption_key_invalid)."""
    loaded = []
    for pair in pairs[:MAX_OUR_KEYS]:
        try:
            # Our own key, out of authenticated sealing: testing its primes again would cost 40 ms a provider.
            key = serialization.load_pem_private_key(pair.private_pem.encode("ascii"), None, unsafe_skip_rsa_key_validation=True)
        except (ValueError, TypeError, UnicodeEncodeError):
            key = None
        if not isinstance(key, rsa.RSAPrivateKey):
            raise ProviderMisconfigured(f"decryption key {pair.kid} is not an RSA key", reason="decryption_key_invalid")
        loaded.append(key)
    return tuple(loaded)


def decrypt(element: etree._Element, keys: tuple[rsa.RSAPrivateKey, ...], *, allow_cbc: bool, max_bytes: int) -> etree._Element:
    """The root of the one element inside, parsed by the same rules as the message around it.

    Raises ResponseInvalid (encryption_structure, encryption_algorithm, encryption_reference, decryption_failed) and DocumentInvalid.
    """
    data, *beside = children(element)
    _check_references(element)
    if data.tag != tag(XENC, "EncryptedData") or data.get("Type") not in (None, f"{XENC}Element"):
        refuse("encryption_structure", "not one EncryptedData of an element")
    cipher = _method(data).get("Algorithm", "")
    if cipher not in _GCM and not (allow_cbc and cipher in _CBC):
        refuse("encryption_algorithm", quoted(cipher))
    wrapped = [_read_key(each) for each in _encrypted_keys(data, beside)]
    octets = _cipher_value(data)
    content_key = _unwrap(wrapped, keys, (_GCM | _CBC)[cipher])
    plain = _open_gcm(content_key, octets) if cipher in _GCM else _open_cbc(content_key, octets)
    return _parse_inside(plain, element, max_bytes)


def _check_references(element: etree._Element) -> None:
    """Nothing that points outside, wherever it hides; a RetrievalMethod may name a key beside the data (C26)."""
    for found in element.iter(tag(XENC, "CipherReference"), tag(DS, "RetrievalMethod"), tag(XENC, "EncryptionProperties")):
        local_key = found.tag == tag(DS, "RetrievalMethod") and found.get("URI", "").startswith("#") and not len(found)
        if not local_key:
            refuse("encryption_reference", quoted(found.get("URI")))


def _method(parent: etree._Element) -> etree._Element:
    first = children(parent)[:1]
    if not first or first[0].tag != tag(XENC, "EncryptionMethod"):
        refuse("encryption_structure", "EncryptionMethod is missing")
    return first[0]


def _encrypted_keys(data: etree._Element, beside: list[etree._Element]) -> list[etree._Element]:
    name = tag(XENC, "EncryptedKey")
    info = data.find(tag(DS, "KeyInfo"))
    found = [*(info.findall(name) if info is not None else ()), *beside]
    if not found or len(found) > MAX_ENCRYPTED_KEYS or any(each.tag != name for each in found):
        refuse("encryption_structure", f"{len(found)} encrypted keys")  # D12
    return found


def _read_key(element: etree._Element) -> _Wrapped:
    method = _method(element)
    algorithm = method.get("Algorithm", "")
    if algorithm not in (_OAEP_MGF1P, _OAEP):
        refuse("encryption_algorithm", quoted(algorithm))
    digest = method.find(tag(DS, "DigestMethod"))
    mask = method.find(tag(XENC11, "MGF"))
    label = method.find(tag(XENC, "OAEPparams"))
    hashing = _DIGESTS.get(_SHA1 if digest is None else digest.get("Algorithm", ""))
    masking = _MASKS.get(f"{XENC11}mgf1sha1" if mask is None or algorithm == _OAEP_MGF1P else mask.get("Algorithm", ""))
    if hashing is None or masking is None:
        refuse("encryption_algorithm", "a digest or mask of OAEP that is not in the table")
    octets = _base64(text(label)) if label is not None else None
    return _Wrapped(_cipher_value(element), padding.OAEP(padding.MGF1(masking()), hashing(), octets))


def _cipher_value(parent: etree._Element) -> bytes:
    found = parent.findall(tag(XENC, "CipherData"))
    values = children(found[0]) if len(found) == 1 else []
    if len(values) != 1 or values[0].tag != tag(XENC, "CipherValue"):
        refuse("encryption_structure", "not exactly one CipherValue")
    return _base64(text(values[0]))


def _base64(value: str) -> bytes:
    try:
        return base64.b64decode("".join(value.split()), validate=True)
    except (binascii.Error, ValueError):
        refuse("encryption_structure", "not base64")


def _unwrap(wrapped: list[_Wrapped], keys: tuple[rsa.RSAPrivateKey, ...], size: int) -> bytes:
    """Try our keys, the current one first, on each EncryptedKey: at most 16 tries."""
    for key, each in itertools.product(keys, wrapped):
        try:
            content_key = key.decrypt(each.octets, each.scheme)
        except ValueError:
            continue
        if len(content_key) == size:
            return content_key
    raise ResponseInvalid("none of our keys opens it", reason="decryption_failed")


def _open_gcm(key: bytes, octets: bytes) -> bytes:
    try:
        return AESGCM(key).decrypt(octets[:12], octets[12:], None)
    except (InvalidTag, ValueError):
        refuse("decryption_failed", "the tag is wrong")


def _open_cbc(key: bytes, octets: bytes) -> bytes:
    if len(octets) < 32 or len(octets) % 16:
        refuse("decryption_failed", "not whole blocks")
    decryptor = Cipher(algorithms.AES(key), modes.CBC(octets[:16])).decryptor()
    plain = decryptor.update(octets[16:]) + decryptor.finalize()
    short = plain[-1]
    if not 1 <= short <= 16:
        refuse("decryption_failed", "the padding is wrong")
    return plain[:-short]


def _parse_inside(plain: bytes, around: etree._Element, max_bytes: int) -> etree._Element:
    """The one element in the plaintext, which may lean on namespaces declared around EncryptedAssertion (D6)."""
    body = screen(plain, MESSAGE)
    declared = "".join(
        f" xmlns{':' + prefix if prefix else ''}={quoteattr(uri)}" for prefix, uri in around.nsmap.items() if prefix != "xml"
    )
    root = parse(b"<inside" + declared.encode("utf-8") + b">" + body + b"</inside>", MESSAGE)
    found = children(root)
    if len(found) != 1 or len(plain) > max_bytes:
        refuse("decryption_failed", f"{len(found)} elements inside")
    return found[0]
