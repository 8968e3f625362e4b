"""IP-S1.11 and S1.12 in full: every forged token of OA-R1, and the ways to tear a SAML message apart, shown as a login of an identity pool.

The readers are those of sign-ins, which have tables of their own. Here it is seen that no login gets around them.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest
from lxml import etree

from broker.api_errors import InvalidIdentityToken, InvalidParameter, NotAuthorized
from broker.flows.identity.proofs import LONGEST
from broker.flows.sts.asks import WebIdentityAsk
from broker.flows.sts.web_identity import assume_role_with_web_identity
from tests.attacks.identitypool.pools import READER, SAML_ARN, Everybody, everybody
from tests.attacks.oidc_rp.rig import Row
from tests.attacks.oidc_rp.tokens import ROWS
from tests.attacks.saml.tearing import (
    assertion_of,
    clone,
    forged,
    in_extensions,
    in_object,
    insert_after,
    insert_before,
    signature_of,
    strip,
)
from tests.fakes import saml_names as n
from tests.fakes.oidc_op import Forge

# About the provider's metadata, keys and algorithms, and not about a token: a pool takes every algorithm that an issuer may sign with.
OF_A_PROVIDER = {"OA-R1.2", "OA-R1.11", "OA-R1.16"}


def attempt(row: Row) -> Forge:
    """What the row tells a provider to falsify."""
    rig = SimpleNamespace(op=SimpleNamespace(forge=Forge()), options={})
    try:
        row.attack(rig)  # type: ignore[arg-type]
    except AttributeError:
        return Forge()  # it changes keys and not the token
    told: Forge = rig.op.forge
    return told


TOKENS = [row for row in ROWS if row.honest is ROWS[0].honest and row.id not in OF_A_PROVIDER and attempt(row).token is not None]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Everybody]:
    with everybody(tmp_path_factory.mktemp("forged")) as made:
        yield made


def refuses(world: Everybody, key: str, token: str) -> None:
    """In Cognito's words, which repeat nothing of what was shown."""
    with pytest.raises((NotAuthorized, InvalidParameter)) as refused:
        world.verify({key: token})
    assert refused.value.public.startswith("Invalid login token." if len(token) <= LONGEST else "Please provide fewer logins")
    assert not {"ada", "admin", "_evil"} & set(refused.value.public.split())


def test_the_table_has_what_it_should() -> None:
    assert len(TOKENS) > 60
    assert {row.id for row in TOKENS} >= {f"OA-R1.{number}" for number in (1, 3, 4, 5, 6, 8, 9, 12, 13, 14, 17)}


@pytest.mark.parametrize("row", TOKENS, ids=str)
def test_s1_11_a_forged_token_is_no_login(world: Everybody, row: Row) -> None:
    make = attempt(row).token
    assert make is not None
    now, key = int(world.broker.clock.now().timestamp()), world.op.key
    claims = {"iss": world.op.issuer, "sub": "ada", "aud": "mobile", "iat": now, "exp": now + 300}
    token = make({"alg": key.alg, "kid": key.kid, "typ": "JWT"}, claims, key)
    refuses(world, world.oidc_key, token)
    kit = world.broker.wired.services.access.kit
    with pytest.raises(InvalidIdentityToken):
        assume_role_with_web_identity(kit, WebIdentityAsk(READER, "session", token))
    assert world.verify({world.oidc_key: world.oidc_token()})[0].subject == "ada"


# --- assertions -------------------------------------------------------------------------------------------------------------------------

Element = etree._Element
Tear = Callable[[Element], object]


def _wrapped_around(root: Element) -> None:
    honest = assertion_of(root)
    evil = forged(honest)
    insert_before(honest, evil)
    in_object(signature_of(honest), clone(honest))
    root.remove(honest)


def _hidden(root: Element) -> None:
    honest = assertion_of(root)
    insert_before(honest, forged(honest))
    in_extensions(root, clone(honest))
    root.remove(honest)


def _in_place(root: Element) -> None:
    honest = assertion_of(root)
    insert_before(honest, forged(honest, None))
    root.remove(honest)


def _role(root: Element) -> None:
    for value in root.iter(n.q("saml:AttributeValue")):
        value.text = (value.text or "").replace("/reader", "/admin")


def _comment(root: Element) -> None:
    name_id = next(root.iter(n.q("saml:NameID")))
    text = name_id.text or ""
    name_id.text = text[:2]
    comment = etree.Comment("x")
    comment.tail = text[2:]
    name_id.insert(0, comment)


TEARS: dict[str, Tear] = {
    "A3 a forged assertion before the signed one": lambda root: insert_before(assertion_of(root), forged(assertion_of(root))),
    "A10 a forged assertion after it": lambda root: insert_after(assertion_of(root), forged(assertion_of(root))),
    "A12 the signed one in the signature of the forged one": _wrapped_around,
    "A15 the signed one in Extensions": _hidden,
    "B1 no signature at all": lambda root: strip(assertion_of(root)),
    "B the forgery under the signed one's id": _in_place,
    "B a changed role": _role,
    "C a comment in the NameID": _comment,
}


def torn(world: Everybody, tear: Tear, number: int) -> str:
    root = etree.fromstring(base64.b64decode(world.assertion(assertion_id=f"_torn{number}")))
    tear(root)
    return base64.b64encode(etree.tostring(root)).decode()


@pytest.mark.parametrize("name", TEARS)
@pytest.mark.parametrize("kept", ["both signatures", "the assertion's signature"])
def test_s1_12_a_torn_assertion_is_no_login(world: Everybody, name: str, kept: str) -> None:
    def tear(root: Element) -> None:
        if kept != "both signatures":
            strip(root)
        TEARS[name](root)

    number = list(TEARS).index(name)
    refuses(world, SAML_ARN, torn(world, tear, number))
    assert world.verify({SAML_ARN: world.assertion(assertion_id=f"_whole{number}{kept[:3]}")})[0].roles == (READER,)


DOCUMENTS: dict[str, Callable[[str], str]] = {
    "C a document type": lambda xml: "<!DOCTYPE x [<!ENTITY e 'x'>]>" + xml,
    "C an external entity": lambda xml: (
        "<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>" + xml.replace("</saml:NameID>", "&e;</saml:NameID>")
    ),
    "C not XML": lambda xml: xml[:-20],
    "C no Response": lambda xml: "<Response/>",
    "C another encoding": lambda xml: '<?xml version="1.0" encoding="UTF-7"?>' + xml,
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_s1_12_a_document_that_is_none_is_no_login(world: Everybody, name: str) -> None:
    number = list(DOCUMENTS).index(name)
    honest = world.assertion(assertion_id=f"_document{number}")
    token = base64.b64encode(DOCUMENTS[name](base64.b64decode(honest).decode()).encode()).decode()
    refuses(world, SAML_ARN, token)
    assert world.verify({SAML_ARN: honest})


def test_s1_12_an_assertion_is_for_one_provider_alone(world: Everybody) -> None:
    """A token of one kind under the key of another is never read as what it is."""
    refuses(world, world.oidc_key, world.assertion(assertion_id="_elsewhere"))
    refuses(world, SAML_ARN, world.oidc_token())
    refuses(world, SAML_ARN, base64.b64encode(json.dumps({"sub": "ada"}).encode()).decode())
    assert world.verify({SAML_ARN: world.assertion(assertion_id="_here")})
