"""The strict reader: from the octets of a Response to what the IdP vouches for, or to the one reason why not.

The order is the argument. Signatures first: a Response that is signed is read from the bytes that its signature covered, re-parsed, and
so is the assertion; a signature that is there must verify, whatever the policy demands. Then the checks of the envelope, then those of
the assertion, each a small function that refuses with a reason of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from lxml import etree

from metadata.errors import DocumentInvalid
from metadata.saml import signature
from metadata.saml.xml import canonical, reparse
from providers.errors import ResponseInvalid
from providers.saml.checks import assertion, authn, conditions, envelope, subject
from providers.saml.checks.attributes import Attributes, read_attributes
from providers.saml.decrypt import decrypt
from providers.saml.expected import Expected, reading, refuse
from providers.saml.shape import (
    ENCRYPTED,
    AssertionParts,
    assertion_parts,
    assertions_of,
    open_message,
    refuse_strays,
)

ENVELOPE_CHECKS: tuple[Callable[[etree._Element, Expected], None], ...] = (
    envelope.version,
    envelope.issuer,
    envelope.destination,
    envelope.in_response_to,
    envelope.issue_instant,
    envelope.status,
)
ASSERTION_CHECKS: tuple[Callable[[AssertionParts, Expected], None], ...] = (
    assertion.version,
    assertion.issuer,
    assertion.issue_instant,
    conditions.known,
    conditions.times,
    conditions.audience,
    conditions.proxying,
    subject.confirmation,
    subject.name_id,
    authn.authn_instant,
    authn.session_end,
    authn.authn_context,
)
FAILURE_SECONDS = 0.02
"""A failed decryption answers no sooner than this, so that how far it came cannot be timed (C25)."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """An assertion that passed every check. `evidence` is its verified bytes; the keys are fingerprints of pinned certificates."""

    parts: AssertionParts
    attributes: Attributes = field(repr=False)
    notes: tuple[str, ...]
    evidence: bytes = field(repr=False)
    response_key: str | None
    assertion_key: str | None


@dataclass(frozen=True, slots=True)
class _Opened:
    """The assertion as its verified bytes, re-parsed, and which key signed it (None: only the Response was signed)."""

    root: etree._Element
    data: bytes
    key: str | None


def read_response(xml: bytes, want: Expected, keys: tuple[RSAPrivateKey, ...]) -> Accepted:
    """Read a Response. Raises ResponseInvalid with the reason of the check that failed, or UpstreamRefused if the IdP said no."""
    with reading():
        root = open_message(xml, "Response", want.options.max_response_bytes)
        response_key = None
        if signature.is_signed(root):
            verified = signature.verify(root, want.certificates, allow_sha1=want.options.allow_sha1)
            root, response_key = reparse(verified.data), verified.key_sha256
        for check in ENVELOPE_CHECKS:
            check(root, want)
        element = _one_assertion(root, want)
        _check_policy(want, response_key is not None, may_be_inside=element.tag == ENCRYPTED, found=signature.is_signed(element))
        opened = _open(element, want, keys, response_signed=response_key is not None)
        parts = assertion_parts(opened.root)
        for check_assertion in ASSERTION_CHECKS:
            check_assertion(parts, want)
        found, notes = read_attributes(parts)
    return Accepted(parts, found, notes, opened.data, response_key, opened.key)


def _one_assertion(root: etree._Element, want: Expected) -> etree._Element:
    """Exactly one, plain or encrypted: with two, somebody has to choose (A10, A11, A28, D2 to D5)."""
    found = assertions_of(root)
    if len(found) != 1:
        refuse("assertion_missing" if not found else "assertion_doubled", f"{len(found)} assertions")
    if want.options.want_encrypted and found[0].tag != ENCRYPTED:
        refuse("assertion_not_encrypted")
    return found[0]


def _check_policy(want: Expected, response_signed: bool, *, may_be_inside: bool, found: bool) -> None:
    """What the provider's signature policy demands, as far as it can be told before decrypting (A34, C1, C4)."""
    policy = want.options.signature_policy
    if policy in ("response", "both") and not response_signed:
        refuse("response_signature_missing")
    if may_be_inside or found:
        return
    if policy in ("assertion", "both"):
        refuse("assertion_signature_missing")
    if not response_signed:
        refuse("signature_missing", "neither the Response nor the Assertion is signed")


def _open(element: etree._Element, want: Expected, keys: tuple[RSAPrivateKey, ...], *, response_signed: bool) -> _Opened:
    if element.tag != ENCRYPTED:
        return _verified(element, want, response_signed)
    # A signed Response covers the ciphertext: nobody can try variants of it. Otherwise every failure up to the signature inside is one.
    with _one_failure(authentic=response_signed):
        options = want.options
        inside = decrypt(element, keys, allow_cbc=options.allow_aes_cbc, max_bytes=options.max_response_bytes)
        opened = _verified(inside, want, response_signed)
        root = reparse(opened.data)
        refuse_strays(root)
        return _Opened(root, opened.data, opened.key)


def _verified(element: etree._Element, want: Expected, response_signed: bool) -> _Opened:
    if signature.is_signed(element):
        verified = signature.verify(element, want.certificates, allow_sha1=want.options.allow_sha1)
        return _Opened(reparse(verified.data), verified.data, verified.key_sha256)
    if want.options.signature_policy in ("assertion", "both"):
        refuse("assertion_signature_missing")
    if not response_signed:
        refuse("signature_missing", "neither the Response nor the Assertion is signed")
    return _Opened(element, canonical(element), None)  # it stands in the Response's verified bytes, or was encrypted in them


@contextmanager
def _one_failure(*, authentic: bool) -> Iterator[None]:
    started = time.monotonic()
    try:
        yield
    except (ResponseInvalid, DocumentInvalid) as error:
        code = error.reason if isinstance(error, ResponseInvalid) else error.code
        if authentic and code != "decryption_failed":
            raise
        time.sleep(max(0.0, FAILURE_SECONDS - (time.monotonic() - started)))
        raise ResponseInvalid(f"{code}: {error.private}", reason="decryption_failed") from None
