"""SAML-D, C25 and C26: encryption is no signature. Whoever has our certificate can encrypt to us."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from lxml import etree

from tests.attacks.saml.limits import bounded
from tests.attacks.saml.listener import Listener
from tests.attacks.saml.oracle import (
    ALL,
    PLAIN,
    SIGNED_ASSERTION,
    Case,
    as_policy_says,
    check,
    honest,
    outcome_of,
    over,
    refused,
    rows,
    unchanged,
)
from tests.attacks.saml.ring import POLICIES, Scene, idp_b, ring
from tests.attacks.saml.tearing import VICTIM, Element, assertion_of, clone, forged, insert_after, insert_before, rewrite, strip
from tests.fakes import saml_names as n
from tests.fakes import saml_seal as seal
from tests.fakes.saml_forge import another
from tests.fakes.saml_keys import key
from tests.fakes.saml_seal import Seal, encrypt, encrypt_element
from tests.fakes.saml_sign import sign

SEALED = ("G-E", "G-EA")


def to_us(**how: object) -> Seal:
    return Seal(key("sp-decryption"), **how)  # type: ignore[arg-type]


def evil_sealed(scene: Scene) -> Element:
    """The forger's own words, encrypted to us."""
    evil = rewrite(assertion_of(scene.unsigned()), "_evil")
    return encrypt(n.serialize(evil), to_us())


def sealed_unsigned(scene: Scene) -> Element:
    root = rewrite(scene.unsigned())
    encrypt_element(assertion_of(root), to_us())
    return root


def beside_good(first: bool) -> Callable[[Scene], Element]:
    """A forgery under encryption beside a good assertion in the clear."""

    def craft(scene: Scene) -> Element:
        root = strip(scene.tree())
        (insert_before if first else insert_after)(assertion_of(root), evil_sealed(scene))
        return root

    return craft


def good_sealed_with_evil(first: bool) -> Callable[[Scene], Element]:
    """A good assertion under encryption beside a forgery in the clear."""

    def craft(scene: Scene) -> Element:
        root = strip(scene.tree())
        evil = forged(assertion_of(scene.unsigned()))
        (insert_before if first else insert_after)(n.find(root, "saml:EncryptedAssertion"), evil)
        return root

    return craft


def two_sealed(first: bool) -> Callable[[Scene], Element]:
    def craft(scene: Scene) -> Element:
        root = strip(scene.tree())
        (insert_before if first else insert_after)(n.find(root, "saml:EncryptedAssertion"), evil_sealed(scene))
        return root

    return craft


def signed_assertion(scene: Scene, **changes: object) -> Element:
    """An assertion that the IdP truly signed."""
    root = n.parse(replace(scene.answer, **changes).response().encode())  # type: ignore[arg-type]
    assertion = assertion_of(root)
    sign(assertion, scene.idp.key)
    return clone(assertion)


def holding(octets: Callable[[Scene], bytes], **how: object) -> Callable[[Scene], Element]:
    """A Response whose encrypted assertion holds these octets, signed outside where the base signs it."""

    def craft(scene: Scene) -> Element:
        root = scene.unsigned()
        old = assertion_of(root)
        root.replace(old, encrypt(octets(scene), to_us(**how)))
        if scene.base == "G-E":
            sign(root, scene.idp.key)
        return root

    return craft


def two_inside(scene: Scene) -> bytes:
    other = n.serialize(signed_assertion(scene, assertion_id="_a2", name_id="mallory@corp.example"))
    return n.serialize(signed_assertion(scene)) + other


def response_inside(scene: Scene) -> bytes:
    return scene.idp.respond(another(scene.answer), "G-B")


def signature_inside(scene: Scene) -> bytes:
    return n.serialize(n.find(signed_assertion(scene), "ds:Signature"))


def sealed_again(scene: Scene) -> bytes:
    return n.serialize(encrypt(n.serialize(signed_assertion(scene)), to_us()))


def advice_of(what: str) -> Callable[[Scene], Element]:
    """Encrypted words of the forger's in the Advice of an assertion: signed by the IdP (it passed them on), or put there afterwards."""

    def craft(scene: Scene) -> Element:
        root = scene.unsigned()
        evil = evil_sealed(scene)
        holder = etree.Element(n.q("saml:Advice"))
        holder.append(evil if what == "assertion" else evil[0])
        insert_after(n.find(root, "saml:Assertion/saml:Conditions"), holder)
        return scene.idp.finish(root, scene.base)

    return craft


def after_signing(wrapper: str) -> Callable[[Scene], Element]:
    """An EncryptedID or EncryptedAttribute of the forger's in a signed assertion."""

    def craft(scene: Scene) -> Element:
        root = scene.tree()
        put_sealed(root, wrapper)
        return root

    return craft


def put_sealed(root: Element, wrapper: str) -> None:
    if wrapper == "saml:EncryptedID":
        old = n.find(root, ".//saml:Subject/saml:NameID")
        name = n.xml(f'<saml:NameID Format="{n.FORMAT_EMAIL}">{VICTIM}</saml:NameID>')
        old.getparent().replace(old, encrypt(n.serialize(name), to_us(), wrapper))
    else:
        attribute = n.xml(f'<saml:Attribute Name="groups"><saml:AttributeValue>{VICTIM}</saml:AttributeValue></saml:Attribute>')
        n.find(root, ".//saml:AttributeStatement").append(encrypt(n.serialize(attribute), to_us(), wrapper))


def unsigned_outer(wrapper: str) -> Callable[[Scene], Element]:
    """The same in an assertion without a signature, under a Response without one."""

    def craft(scene: Scene) -> Element:
        root = scene.unsigned()
        put_sealed(root, wrapper)
        return root

    return craft


def response_only(scene: Scene) -> Element:
    """The Response is signed, the assertion inside the encryption is not."""
    root = scene.unsigned()
    encrypt_element(assertion_of(root), to_us())
    sign(root, scene.idp.key)
    return root


def inner(**changes: object) -> Callable[[Scene], bytes]:
    """Truly signed and encrypted words that are wrong."""
    return lambda scene: scene.signed(**changes)


def expired(scene: Scene) -> bytes:
    past = replace(scene.answer, now=scene.answer.now - timedelta(minutes=20))
    document = scene.idp.respond(past, "G-EA")
    sealed = n.find(n.parse(document), "saml:EncryptedAssertion")
    return in_fresh_response(scene, sealed)


def other_issuer(scene: Scene) -> bytes:
    """An assertion of IdP B, signed by B."""
    theirs = n.find(n.parse(idp_b().respond(replace(scene.answer, issuer=idp_b().entity_id), "G-EA")), "saml:EncryptedAssertion")
    return in_fresh_response(scene, theirs)


def in_fresh_response(scene: Scene, sealed: Element) -> bytes:
    root = scene.unsigned()
    root.replace(assertion_of(root), sealed)
    if scene.base == "G-E":
        sign(root, scene.idp.key)
    return n.serialize(root)


def octets_of_assertion(scene: Scene) -> bytes:
    return n.serialize(signed_assertion(scene))


def two_keys_reversed(scene: Scene) -> Element:
    """An EncryptedKey for somebody else before ours."""
    root = scene.tree()
    sealed = n.find(root, ".//xenc:EncryptedKey")
    stranger = Seal(key("attacker"))
    insert_before(sealed, n.xml(seal.encrypted_key(seal.wrap_key(os.urandom(32), stranger), stranger)))
    return root


CASES = [
    Case("D1", "", sealed_unsigned, SEALED),
    Case("D2", "", beside_good(first=True), SIGNED_ASSERTION),
    Case("D3", "", beside_good(first=False), SIGNED_ASSERTION),
    Case("D4", "evil first", good_sealed_with_evil(first=True), SEALED),
    Case("D4", "evil last", good_sealed_with_evil(first=False), SEALED),
    Case("D5", "evil first", two_sealed(first=True), SEALED),
    Case("D5", "evil last", two_sealed(first=False), SEALED),
    Case("D6", "two assertions", holding(two_inside), SEALED),
    Case("D6", "two assertions as content", holding(two_inside, type_uri=seal.CONTENT), SEALED),
    Case("D6", "response", holding(response_inside), SEALED),
    Case("D6", "signature", holding(signature_inside), SEALED),
    Case("D6", "text", holding(lambda scene: b"no markup at all"), SEALED),
    Case("D6", "nothing", holding(lambda scene: b""), SEALED),
    Case("D6", "document type", holding(lambda s: b"<!DOCTYPE x>" + octets_of_assertion(s)), SEALED),
    Case("D7", "sealed twice", holding(sealed_again), SEALED),
    Case("D8", "after signing", after_signing("saml:EncryptedID"), PLAIN),
    Case("D8", "unsigned", unsigned_outer("saml:EncryptedID"), PLAIN),
    Case("D9", "after signing", after_signing("saml:EncryptedAttribute"), PLAIN),
    Case("D9", "unsigned", unsigned_outer("saml:EncryptedAttribute"), PLAIN),
    Case("D11", "audience", inner(audience="urn:evil:sp"), SEALED),
    Case("D11", "issuer", inner(issuer="https://idp-b.example/metadata"), SEALED),
    Case("D11", "expired", expired, SEALED),
    Case("D11", "another idp", other_issuer, SEALED),
]
ALGORITHMS = [
    Case("C25", "rsa 1.5", holding(octets_of_assertion, transport=seal.RSA_1_5), SEALED),
    Case("C25", "triple des", holding(octets_of_assertion, cipher=seal.TRIPLEDES_CBC), SEALED),
    Case("C25", "gcm 128", holding(octets_of_assertion, cipher=seal.AES128_GCM), SEALED, as_policy_says),
    Case("C25", "gcm 256", holding(octets_of_assertion, cipher=seal.AES256_GCM), SEALED, as_policy_says),
    Case("C25", "oaep of 2009", holding(octets_of_assertion, transport=seal.RSA_OAEP_11, oaep_digest=n.SHA256), SEALED, as_policy_says),
    Case("C25", "key beside the data", holding(octets_of_assertion, inline=False), SEALED, as_policy_says),
]


@over(CASES)
def test_what_is_encrypted_must_be_signed_and_checked_like_the_rest(case: Case) -> None:
    check(case)


@over(ALGORITHMS)
def test_old_ways_of_encryption_are_refused_and_new_ones_taken(case: Case) -> None:
    check(case)


@rows("D7")
@pytest.mark.parametrize("what", ["assertion", "data"])
def test_encrypted_advice_adds_nothing(what: str) -> None:
    """Refused, or read as if the Advice were not there."""
    check(Case("D7", what, advice_of(what), ALL, unchanged))


@rows("D10")
def test_an_unsigned_assertion_under_a_signed_response_counts_only_where_the_response_must_be_signed() -> None:
    for policy in POLICIES:
        scene = Scene(ring(policy), "G-B")
        outcome = outcome_of(scene.ring, response_only(scene))
        (honest if policy in ("response", "either") else refused)(scene, outcome)
        honest(scene, outcome_of(scene.ring, scene.document))


def broken_ciphertexts(scene: Scene) -> dict[str, Element]:
    """Failures of every depth: the key's padding, the data's padding or tag, the XML, and the signature inside."""
    good = octets_of_assertion(scene)
    unsigned = n.serialize(rewrite(assertion_of(scene.unsigned())))
    return {
        "stranger's key": wrong_key(scene, good),
        "short key": wrong_key(scene, good, content_key=os.urandom(32)),
        "tag": torn_value(holding(lambda s: good)(scene)),
        "cbc padding": torn_value(holding(lambda s: good, cipher=seal.AES256_CBC)(scene)),
        "xml": holding(lambda s: good[:-20])(scene),
        "cbc xml": holding(lambda s: good[:-20], cipher=seal.AES256_CBC)(scene),
        "unsigned": holding(lambda s: unsigned)(scene),
    }


def wrong_key(scene: Scene, octets: bytes, content_key: bytes | None = None) -> Element:
    """Encrypted to a stranger; or under a content key that is not the one wrapped."""
    root = scene.unsigned()
    if content_key is None:
        root.replace(assertion_of(root), encrypt(octets, Seal(key("attacker"))))
        return root
    sealed = encrypt(octets, to_us(content_key=content_key))
    other = seal.wrap_key(os.urandom(16), to_us())
    old = n.find(sealed, ".//xenc:EncryptedKey")
    old.getparent().replace(old, n.xml(seal.encrypted_key(other, to_us())))
    root.replace(assertion_of(root), sealed)
    return root


def torn_value(root: Element) -> Element:
    """The last block of the data's ciphertext changed."""
    import base64

    value = n.find_all(root, ".//xenc:EncryptedData/xenc:CipherData/xenc:CipherValue")[0]
    octets = bytearray(base64.b64decode(value.text or ""))
    octets[-17] ^= 0xFF
    octets[-1] ^= 0xFF
    value.text = base64.b64encode(bytes(octets)).decode()
    return root


@rows("C25")
def test_a_failed_decryption_tells_nothing_of_how_it_failed() -> None:
    """One public text for every depth of failure: a padding oracle needs two."""
    scene = Scene(ring("assertion"), "G-EA")
    told = set()
    for message in broken_ciphertexts(scene).values():
        outcome = outcome_of(scene.ring, message)
        refused(scene, outcome)
        told.add((type(outcome), outcome.public))  # type: ignore[union-attr]
    assert len(told) == 1, told
    honest(scene, outcome_of(scene.ring, scene.document))


@rows("C26")
@pytest.mark.parametrize("what", ["data", "key", "retrieval"])
def test_a_cipher_elsewhere_is_not_fetched(what: str, listener: Listener, secret_file: Path) -> None:
    for target in (listener.url + "/cipher", secret_file.as_uri()):

        def craft(scene: Scene, target: str = target) -> Element:
            root = strip(scene.tree())
            reference = n.xml(f'<xenc:CipherReference URI="{target}"/>')
            if what == "retrieval":
                old = n.find(root, ".//xenc:EncryptedKey")
                reference = n.xml(f'<ds:RetrievalMethod Type="{n.XENC}EncryptedKey" URI="{target}"/>')
            else:
                holder = "EncryptedData" if what == "data" else "EncryptedKey"
                old = n.find(root, f".//xenc:{holder}/xenc:CipherData/xenc:CipherValue")
            old.getparent().replace(old, reference)
            return root

        check(Case("C26", what, craft, SEALED))


@rows("D12")
def test_a_thousand_keys_cost_little() -> None:
    scene = Scene(ring("assertion"), "G-EA")
    root = scene.tree()
    stranger = Seal(key("attacker"))
    template = seal.encrypted_key(seal.wrap_key(os.urandom(32), stranger), stranger)
    ours = n.find(root, ".//xenc:EncryptedKey")
    for _ in range(1000):
        insert_before(ours, n.xml(template))
    with bounded():
        outcome = outcome_of(scene.ring, root)
    refused(scene, outcome)
    thousand_for_us = scene.tree()
    mine = n.find(thousand_for_us, ".//xenc:EncryptedKey")
    for _ in range(300):
        insert_before(mine, clone(mine))
    with bounded():
        refused(scene, outcome_of(scene.ring, thousand_for_us))
    honest(scene, outcome_of(scene.ring, scene.document))


@rows("D12")
def test_a_key_for_somebody_else_opens_nothing() -> None:
    scene = Scene(ring("assertion"), "G-EA")
    refused(scene, outcome_of(scene.ring, wrong_key(scene, octets_of_assertion(scene))))
    outcome = outcome_of(scene.ring, two_keys_reversed(scene))
    if not isinstance(outcome, Exception):
        honest(scene, outcome)
    honest(scene, outcome_of(scene.ring, scene.document))
