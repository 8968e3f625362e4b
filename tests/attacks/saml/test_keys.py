"""SAML-C: whose key signed, by which algorithm, and over what the transforms left of the document."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from lxml import etree

from providers.errors import ProviderError
from tests.attacks.saml.listener import Listener
from tests.attacks.saml.oracle import ALL, PLAIN, Case, Craft, as_policy_says, check, honest, outcome_of, over, refused, rows
from tests.attacks.saml.ring import NOW, POLICIES, Ring, Scene, idp_a, ring
from tests.attacks.saml.tearing import Element, assertion_of, rewrite, strip
from tests.fakes import saml_names as n
from tests.fakes.saml_forge import IdpBox
from tests.fakes.saml_keys import Key, certify, clone_of, key, private_key
from tests.fakes.saml_sign import (
    EXCLUSIVE,
    STANDARD,
    ByHand,
    Reference,
    Signer,
    canonical,
    certificate_info,
    ecdsa_signer,
    hmac_signer,
    pss_signer,
    rsa_signer,
    sign_by_hand,
)

Hand = Callable[[Scene], Element]


def info(made: Key) -> str:
    return etree.tostring(certificate_info(made)).decode()


def by_hand(how: Callable[[Scene], ByHand], *, tamper: bool = False) -> Hand:
    """Sign by hand whatever the base signs, the inner first; perhaps tamper afterwards."""

    def craft(scene: Scene) -> Element:
        root = scene.unsigned()
        if scene.base in ("G-A", "G-B"):
            sign_by_hand(assertion_of(root), how(scene))
        if scene.base in ("G-R", "G-B"):
            sign_by_hand(root, how(scene))
        return rewrite(root) if tamper else root

    return craft


def resigned(made: Callable[[], Key]) -> Craft:
    """Honest words, properly signed with another key, its certificate in KeyInfo."""
    return lambda scene: scene.idp.finish(rewrite(scene.unsigned()), scene.base, key=made())


def no_signature(scene: Scene) -> Element:
    root = strip(scene.tree())
    for assertion in root.findall(n.q("saml:Assertion")):
        strip(assertion)
    return root


def emptied(local: str) -> Craft:
    def craft(scene: Scene) -> Element:
        root = scene.tree()
        for found in n.find_all(root, f".//ds:{local}"):
            found.text = None
        return root

    return craft


def no_reference(scene: Scene) -> Element:
    root = scene.unsigned()
    element = root if scene.base == "G-R" else assertion_of(root)
    sign_by_hand(element, ByHand(rsa_signer(scene.idp.key), references=()))
    return root


def flipped(path: str) -> Craft:
    """One character other than it was."""

    def craft(scene: Scene) -> Element:
        root = scene.tree()
        found = n.find(root, path)
        text = found.text or ""
        found.text = text[:5] + ("B" if text[5] == "A" else "A") + text[6:]
        return root

    return craft


def only(which: str) -> Craft:
    """Of two signatures, one is left."""

    def craft(scene: Scene) -> Element:
        root = scene.tree()
        strip(root if which == "assertion" else assertion_of(root))
        return root

    return craft


def with_info(markup: Callable[[Key], str], signed_by: str = "attacker") -> Hand:
    return by_hand(lambda scene: ByHand(rsa_signer(key(signed_by)), key_info=f"<ds:KeyInfo>{markup(key(signed_by))}</ds:KeyInfo>"))


def rsa_key_value(made: Key) -> str:
    import base64

    numbers = made.public.public_numbers()
    modulus = base64.b64encode(numbers.n.to_bytes(256, "big")).decode()
    return f"<ds:KeyValue><ds:RSAKeyValue><ds:Modulus>{modulus}</ds:Modulus><ds:Exponent>AQAB</ds:Exponent></ds:RSAKeyValue></ds:KeyValue>"


def der_key_value(made: Key) -> str:
    import base64

    der = made.public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return f'<d:DEREncodedKeyValue xmlns:d="http://www.w3.org/2009/xmldsig11#">{base64.b64encode(der).decode()}</d:DEREncodedKeyValue>'


def key_name(made: Key) -> str:
    return "<ds:KeyName>idp-a</ds:KeyName>"


def hmac_secrets() -> dict[str, bytes]:
    """What a careless verifier might use as an HMAC secret: our IdP's certificate and public key in every spelling."""
    trusted = idp_a().key
    modulus = trusted.public.public_numbers().n
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    return {
        "pem": trusted.certificate_pem.encode(),
        "pem stripped": trusted.certificate_pem.strip().encode(),
        "der": trusted.certificate_der,
        "base64": trusted.certificate_b64.encode(),
        "public pem": trusted.public.public_bytes(serialization.Encoding.PEM, spki),
        "public der": trusted.public.public_bytes(serialization.Encoding.DER, spki),
        "modulus": modulus.to_bytes(256, "big"),
        "empty": b"",
    }


HMAC = {"sha1": n.DS + "hmac-sha1", "sha256": n.DSIG_MORE + "hmac-sha256"}


def confused(name: str, secret: str) -> Hand:
    return by_hand(lambda scene: ByHand(hmac_signer(hmac_secrets()[secret], name), HMAC[name]))


def truncated(bits: int) -> Hand:
    body = f"<ds:HMACOutputLength>{bits}</ds:HMACOutputLength>"
    return by_hand(lambda scene: ByHand(hmac_signer(b"", "sha1", bits), HMAC["sha1"], body))


def algorithms(method: str, digest: str, hash_of: hashes.HashAlgorithm) -> Hand:
    """The IdP's own key, by a method of another age."""

    def how(scene: Scene) -> ByHand:
        element_id = "#_r1" if scene.base == "G-R" else "#_a1"
        return ByHand(rsa_signer(scene.idp.key, hash_of), method, references=(Reference(element_id, method=digest),))

    return by_hand(how)


RIPEMD = n.DSIG_MORE + "rsa-ripemd160"
XSLT = "http://www.w3.org/TR/1999/REC-xslt-19991116"
XPATH = "http://www.w3.org/TR/1999/REC-xpath-19991116"
FILTER2 = "http://www.w3.org/2002/06/xmldsig-filter2"
CONSTANT = (
    f'<ds:Transform Algorithm="{XSLT}"><xsl:stylesheet xmlns:xsl="http://www.w3.org/1999/XSL/Transform" version="1.0">'
    '<xsl:output method="text"/><xsl:template match="/">constant</xsl:template></xsl:stylesheet></ds:Transform>'
)
NOTHING = f'<ds:Transform Algorithm="{XPATH}"><ds:XPath>false()</ds:XPath></ds:Transform>'
SUBTRACT = f'<ds:Transform Algorithm="{FILTER2}"><f:XPath xmlns:f="{FILTER2}" Filter="subtract">//*</f:XPath></ds:Transform>'
BASE64 = f'<ds:Transform Algorithm="{n.DS}base64"/>'


def transformed(*transforms: str, octets: bytes | None = None, tamper: bool = False) -> Hand:
    def how(scene: Scene) -> ByHand:
        element_id = "#_r1" if scene.base == "G-R" else "#_a1"
        return ByHand(rsa_signer(scene.idp.key), references=(Reference(element_id, transforms, octets=octets),))

    return by_hand(how, tamper=tamper)


PAIR = ("G-A", "G-R")
CASES = [
    Case("C1", "", no_signature, PLAIN),
    Case("C2", "signature value", emptied("SignatureValue"), PLAIN),
    Case("C2", "digest value", emptied("DigestValue"), PLAIN),
    Case("C2", "no reference", no_reference, PAIR),
    Case("C3", "name", flipped(".//saml:NameID"), PLAIN),
    Case("C3", "signature value", flipped(".//ds:SignatureValue"), PLAIN),
    Case("C3", "digest value", flipped(".//ds:DigestValue"), PLAIN),
    Case("C5", "", resigned(lambda: key("attacker")), ALL),
    Case("C5", "idp's name", resigned(lambda: certify("idp-a", private_key("attacker"))), ALL),
    Case("C6", "", resigned(lambda: clone_of("idp-a", "attacker")), ALL),
    Case("C7", "", by_hand(lambda s: ByHand(rsa_signer(key("attacker")), key_info=info(s.idp.key))), PLAIN),
    Case("C8", "rsa value", with_info(rsa_key_value), PLAIN),
    Case("C8", "der value", with_info(der_key_value), PLAIN),
    Case("C8", "name", with_info(key_name), PLAIN),
    Case("C12", "", resigned(lambda: key("idp-a-encryption")), ALL),
    Case("C13", "signing", resigned(lambda: key("sp-signing")), ALL),
    Case("C13", "decryption", resigned(lambda: key("sp-decryption")), ALL),
    *(Case("C15", f"{name} {secret}", confused(name, secret), PLAIN) for name in HMAC for secret in hmac_secrets()),
    *(Case("C16", str(bits), truncated(bits), PLAIN) for bits in (0, 1, 8)),
    Case("C17", "", algorithms(n.RSA_SHA1, n.SHA1, hashes.SHA1()), PAIR),
    Case("C17", "digest of today", algorithms(n.RSA_SHA1, n.SHA256, hashes.SHA1()), PAIR),
    Case("C18", "", algorithms(n.RSA_SHA256, n.SHA1, hashes.SHA256()), PAIR),
    Case("C19", "md5 signature", algorithms(n.DSIG_MORE + "rsa-md5", n.SHA256, hashes.MD5()), PAIR),
    Case("C19", "md5 digest", algorithms(n.RSA_SHA256, n.DSIG_MORE + "md5", hashes.SHA256()), PAIR),
    Case("C19", "ripemd160 signature", algorithms(RIPEMD, n.SHA256, hashes.SHA256()), PAIR),
    Case("C19", "ripemd160 digest", algorithms(n.RSA_SHA256, n.XENC + "ripemd160", hashes.SHA256()), PAIR),
    Case("C21", "pss", by_hand(lambda s: ByHand(pss_signer(s.idp.key), "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1")), PAIR),
    Case(
        "C21",
        "eddsa",
        by_hand(lambda s: ByHand(key("ed", "ed").private.sign, "http://www.w3.org/2021/04/xmldsig-more#eddsa-ed25519")),
        PAIR,
    ),
    Case("C21", "sha384", algorithms(n.RSA_SHA384, n.DSIG_MORE + "sha384", hashes.SHA384()), PAIR, as_policy_says),
    Case("C21", "sha512", algorithms(n.RSA_SHA512, n.SHA512, hashes.SHA512()), PAIR, as_policy_says),
    *(
        Case(row, f"{label}{', tampered' if tamper else ''}", transformed(*how, octets=octets, tamper=tamper), PAIR)
        for tamper in (False, True)
        for row, label, how, octets in (
            ("C22", "xslt", (STANDARD[0], CONSTANT), b"constant"),
            ("C23", "xpath", (STANDARD[0], NOTHING, EXCLUSIVE), b""),
            ("C23", "filter", (STANDARD[0], SUBTRACT, EXCLUSIVE), b""),
            ("C23", "base64", (STANDARD[0], BASE64), b""),
        )
    ),
    Case("C24", "none", transformed(), PAIR),
    Case("C24", "enveloped missing", transformed(EXCLUSIVE), PAIR),
    Case("C24", "enveloped twice", transformed(STANDARD[0], STANDARD[0]), PAIR),
    Case("C24", "exclusive twice", transformed(EXCLUSIVE, EXCLUSIVE), PAIR),
    Case("C24", "three", transformed(STANDARD[0], EXCLUSIVE, EXCLUSIVE), PAIR),
    Case("C24", "wrong order", transformed(EXCLUSIVE, STANDARD[0]), PAIR),
]


@over(CASES)
def test_only_the_pinned_key_and_the_listed_algorithms_count(case: Case) -> None:
    check(case)


@rows("C4")
@pytest.mark.parametrize("left", ["assertion", "response"])
def test_one_signature_of_two_counts_only_where_the_policy_says_so(left: str) -> None:
    """The response's signature covers the assertion's, so without the latter it is broken, whatever the policy."""
    for policy in POLICIES:
        scene = Scene(ring(policy), "G-B")
        outcome = outcome_of(scene.ring, only(left)(scene))
        (honest if left == "assertion" and policy in ("assertion", "either") else refused)(scene, outcome)
        honest(scene, outcome_of(scene.ring, scene.document))


@rows("C9")
@pytest.mark.parametrize("signed_by", ["attacker", "idp-a"])
def test_a_key_elsewhere_is_not_fetched_and_the_pinned_key_decides(signed_by: str, listener: Listener, secret_file: Path) -> None:
    judge = as_policy_says if signed_by == "idp-a" else refused
    for target in (listener.url + "/key", secret_file.as_uri()):
        for name, markup in {
            "retrieval": f'<ds:RetrievalMethod URI="{target}" Type="{n.DS}rawX509Certificate"/>',
            "reference": f'<d:KeyInfoReference xmlns:d="http://www.w3.org/2009/xmldsig11#" URI="{target}"/>',
        }.items():
            craft = with_info(lambda made, markup=markup: markup, signed_by)
            check(Case("C9", name, craft, PAIR, judge if signed_by != "idp-a" else trusted_or_refused))


def trusted_or_refused(scene: Scene, outcome: object) -> None:
    """The pinned key decides; a reader that wants no such KeyInfo at all may refuse it."""
    if isinstance(outcome, ProviderError):
        refused(scene, outcome)
    else:
        as_policy_says(scene, outcome)  # type: ignore[arg-type]


@rows("C10")
def test_a_certificate_of_the_same_authority_is_another_key() -> None:
    authority = key("authority")
    mine = certify("idp-a", private_key("idp-a"), issuer=authority)
    theirs = certify("idp-a", private_key("attacker"), issuer=authority)
    idp = IdpBox(idp_a().entity_id, mine, key("sp-decryption"))
    scene = Scene(Ring(idp=idp), "G-B")
    refused(scene, outcome_of(scene.ring, idp.finish(scene.unsigned(), "G-B", key=theirs)))
    honest(scene, outcome_of(scene.ring, scene.document))


@rows("C12")
def test_a_key_for_encryption_does_not_sign() -> None:
    other = key("idp-a-encryption")
    idp = IdpBox(idp_a().entity_id, idp_a().key, key("sp-decryption"), encryption_keys=(other,))
    scene = Scene(Ring(idp=idp), "G-B")
    refused(scene, outcome_of(scene.ring, idp.finish(scene.unsigned(), "G-B", key=other)))
    honest(scene, outcome_of(scene.ring, scene.document))


@rows("C14")
def test_a_rolled_over_key_is_refused_and_the_new_one_taken() -> None:
    old, new = key("idp-a"), key("idp-a-next")
    during = IdpBox(idp_a().entity_id, new, key("sp-decryption"), more_keys=(old,))
    after = IdpBox(idp_a().entity_id, new, key("sp-decryption"))
    for idp, old_counts in ((during, True), (after, False)):
        scene = Scene(Ring(idp=idp), "G-B")
        by_old = outcome_of(scene.ring, idp.finish(scene.unsigned(), "G-B", key=old))
        (honest if old_counts else refused)(scene, by_old)
        honest(scene, outcome_of(scene.ring, scene.document))


def ring_with(made: Key) -> Ring | Exception:
    """A ring whose IdP has that key; or why there is none."""
    try:
        return Ring(idp=IdpBox(idp_a().entity_id, made, key("sp-decryption")))
    except Exception as error:
        return error


EC_SHA256 = n.DSIG_MORE + "ecdsa-sha256"


def signed_with(found: Ring, signer: Signer, method: str) -> Element:
    root = Scene(found, "G-B").unsigned()
    for element in (assertion_of(root), root):
        sign_by_hand(element, ByHand(signer, method))
    return root


WEAK: dict[str, Callable[[], tuple[Key, Signer, str]]] = {
    "rsa 1024": lambda: (key("weak", "rsa1024"), rsa_signer(key("weak", "rsa1024")), n.RSA_SHA256),
    "rsa 1536": lambda: (key("weak", "rsa1536"), rsa_signer(key("weak", "rsa1536")), n.RSA_SHA256),
    "rsa exponent 3": lambda: (key("weak", "rsa2048e3"), rsa_signer(key("weak", "rsa2048e3")), n.RSA_SHA256),
    "dsa": lambda: (key("weak", "dsa"), lambda octets: bytes(40), n.DS + "dsa-sha1"),
    "curve of 192": lambda: (key("weak", "ec192"), ecdsa_signer(key("weak", "ec192")), EC_SHA256),
}


@rows("C20")
@pytest.mark.parametrize("which", WEAK)
def test_a_weak_key_is_refused_with_the_metadata_or_with_the_message(which: str) -> None:
    made, signer, method = WEAK[which]()
    found = ring_with(made)
    if isinstance(found, Ring):
        refused(Scene(found, "G-B"), outcome_of(found, signed_with(found, signer, method)))
    else:
        assert isinstance(found, ProviderError), repr(found)


@rows("C20", "C21")
def test_a_curve_of_the_list_counts_and_its_zero_does_not() -> None:
    made = key("curve", "ec256")
    found = ring_with(made)
    assert isinstance(found, Ring), repr(found)
    scene = Scene(found, "G-B")
    other = key("curve-other", "ec384")
    forgeries = (
        signed_with(found, lambda octets: bytes(64), EC_SHA256),
        signed_with(found, lambda octets: bytes(96), n.DSIG_MORE + "ecdsa-sha384"),
        signed_with(found, ecdsa_signer(other), EC_SHA256),
    )
    for forgery in forgeries:
        refused(scene, outcome_of(found, forgery))
    honest(scene, outcome_of(found, signed_with(found, ecdsa_signer(made), EC_SHA256)))


EXPIRY = {
    "expired": {"not_after": NOW - timedelta(days=1)},
    "not yet valid": {"not_before": NOW + timedelta(days=1)},
}


@rows("C11")
@pytest.mark.parametrize("when", EXPIRY)
def test_the_dates_of_a_pinned_certificate_are_told_or_refused(when: str) -> None:
    """Only the key decides. Out of date is refused, or told in a note or a warning; never silent."""
    made = certify("idp-a", private_key("idp-a"), **EXPIRY[when])
    found = ring_with(made)
    if isinstance(found, Exception):
        assert isinstance(found, ProviderError), repr(found)
        return
    scene = Scene(found, "G-B")
    outcome = outcome_of(found, scene.document)
    if isinstance(outcome, ProviderError):
        refused(scene, outcome)
    else:
        told = (*outcome.notes, *found.provider.warnings)
        assert any("certificate" in words.lower() or "valid only from" in words for words in told), told


def test_canonical_form_is_what_xmlsec_signs() -> None:
    """The hand and the library agree, so that a refusal is never for a slip of the hand."""
    scene = Scene(ring(), "G-B")
    root = by_hand(lambda s: ByHand(rsa_signer(s.idp.key)))(scene)
    honest(scene, outcome_of(scene.ring, root))
    assert canonical(root)
