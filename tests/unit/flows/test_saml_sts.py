"""AssumeRoleWithSAML (spec E.4)."""

from __future__ import annotations

import base64
from datetime import timedelta
from hashlib import sha1
from pathlib import Path
from typing import Any

import pytest

from broker.api_errors import ExpiredIdentityToken, InvalidIdentityToken, NotAllowed, ValidationFailed
from broker.errors import BrokerError
from broker.flows.sts.asks import SamlAsk, SamlAssumed
from broker.flows.sts.authorize_call import authorize_call
from broker.flows.sts.saml import assume_role_with_saml
from tests.fakes.access import ACCOUNT, Access, allow, document, trust_of
from tests.fakes.saml_forge import Answer, Attribute, IdpBox
from tests.fakes.saml_keys import key

PROVIDER = f"arn:aws:iam::{ACCOUNT}:saml-provider/corp"
RECIPIENT, AUDIENCE = "https://signin.aws.amazon.com/saml", "urn:amazon:webservices"
NAMES = "https://aws.amazon.com/SAML/Attributes/"
ACTIONS = ("sts:AssumeRoleWithSAML", "sts:TagSession", "sts:SetSourceIdentity")
IDP = IdpBox("https://idp.example/metadata", key("idp"))


@pytest.fixture(scope="module")
def access(tmp_path_factory: pytest.TempPathFactory) -> Access:
    folder = tmp_path_factory.mktemp("saml")
    more = '\n[[saml_provider]]\nname = "corp"\nmetadata_file = "{metadata}"\n'
    return Access.start(folder, more.replace("{metadata}", str(Path(folder) / "idp.xml")), idp=IDP)


@pytest.fixture
def role(access: Access) -> str:
    return access.role("Saml", trust_of({"Federated": PROVIDER}, *ACTIONS), allow("reports:Get"), max_session=7200)


def assertion(access: Access, role: str, box: IdpBox = IDP, attributes: dict[str, tuple[str, ...]] | None = None, **changes: Any) -> str:
    said = {"Role": (f"{role},{PROVIDER}",), "RoleSessionName": ("ada@corp",), **(attributes or {})}
    unique = access.kit.base.random.uuid()
    given: dict[str, Any] = {
        "issuer": box.entity_id,
        "acs": RECIPIENT,
        "audience": AUDIENCE,
        "now": access.kit.base.now(),
        "attributes": tuple(Attribute(NAMES + name, values) for name, values in said.items() if values),
        "lifetime": timedelta(minutes=4),
        "response_id": f"_r{unique}",
        "assertion_id": f"_a{unique}",
        **changes,
    }
    return base64.b64encode(box.respond(Answer(**given), "G-B")).decode()


def take(access: Access, role: str, text: str, **more: Any) -> SamlAssumed:
    return assume_role_with_saml(access.kit, SamlAsk(role, more.pop("principal", PROVIDER), text, **more))


def test_an_assertion_becomes_a_session(access: Access, role: str) -> None:
    got = take(access, role, assertion(access, role))
    assert got.assumed.arn == f"arn:aws:sts::{ACCOUNT}:assumed-role/Saml/ada@corp"
    assert (got.issuer, got.audience) == (IDP.entity_id, RECIPIENT)
    digest = sha1(f"{IDP.entity_id}{ACCOUNT}/corp".encode(), usedforsecurity=False).digest()
    assert got.name_qualifier == base64.b64encode(digest).decode()
    caller = access.caller(got.assumed.credentials)
    assert authorize_call(access.kit, caller, "reports:Get", "*").allowed
    keys = {"saml:aud": RECIPIENT, "saml:iss": IDP.entity_id, "saml:sub": got.subject, "saml:sub_type": got.subject_type}
    access.change_role("Saml", policies={"inline": document(allow("reports:Get", StringEquals=keys))})
    assert authorize_call(access.kit, caller, "reports:Get", "*").allowed


@pytest.mark.parametrize("form", ["persistent", "transient", "emailAddress"])
def test_the_subjects_kind_is_told(access: Access, role: str, form: str) -> None:
    version = "1.1" if form == "emailAddress" else "2.0"
    uri = f"urn:oasis:names:tc:SAML:{version}:nameid-format:{form}"
    got = take(access, role, assertion(access, role, name_id_format=uri))
    assert got.subject_type == (uri if form == "emailAddress" else form)


def test_role_and_provider_may_stand_in_either_order(access: Access, role: str) -> None:
    other = f"arn:aws:iam::{ACCOUNT}:role/Other,{PROVIDER}"
    assert take(access, role, assertion(access, role, attributes={"Role": (other, f"{PROVIDER},{role}")}))
    for wrong in (other, role, f"{role},{PROVIDER}x", f"{role},{PROVIDER},{PROVIDER}"):
        with pytest.raises(NotAllowed):
            take(access, role, assertion(access, role, attributes={"Role": (wrong,)}))


def test_tags_source_identity_and_duration_come_from_the_assertion(access: Access, role: str) -> None:
    said = {
        "PrincipalTag:Team": ("blue",),
        "PrincipalTag:Floor": ("3",),
        "TransitiveTagKeys": ("Team",),
        "SourceIdentity": ("ada",),
        "SessionDuration": ("1800",),
    }
    got = take(access, role, assertion(access, role, attributes=said), duration=7200)
    session = access.caller(got.assumed.credentials).session
    assert session is not None
    assert dict(session.tags) == {"Team": "blue", "Floor": "3"}
    assert session.transitive_keys == ("Team",)
    assert session.source_identity == "ada"
    assert (session.expires_at - session.issued_at) == timedelta(seconds=1800)
    bare = access.role("SamlBare", trust_of({"Federated": PROVIDER}, ACTIONS[0]))
    assert take(access, bare, assertion(access, bare))
    for name in ("PrincipalTag:Team", "SourceIdentity"):
        with pytest.raises(NotAllowed):
            take(access, bare, assertion(access, bare, attributes={name: said[name]}))


@pytest.mark.parametrize(
    ("attributes", "kind"),
    [
        ({"RoleSessionName": ()}, InvalidIdentityToken),
        ({"RoleSessionName": ("a b",)}, InvalidIdentityToken),
        ({"RoleSessionName": ("one", "two")}, InvalidIdentityToken),
        ({"SessionDuration": ("899",)}, InvalidIdentityToken),
        ({"SessionDuration": ("-1800",)}, InvalidIdentityToken),
        ({"PrincipalTag:Team": ("a", "b")}, InvalidIdentityToken),
        ({"PrincipalTag:aws:x": ("a",)}, ValidationFailed),
        ({"TransitiveTagKeys": ("Team",)}, ValidationFailed),
        ({"Role": ()}, NotAllowed),
    ],
)
def test_attributes_that_break_a_rule_are_refused(
    access: Access, role: str, attributes: dict[str, tuple[str, ...]], kind: type[BrokerError]
) -> None:
    with pytest.raises(kind):
        take(access, role, assertion(access, role, attributes=attributes))
    assert take(access, role, assertion(access, role))


def test_it_is_for_us_fresh_and_good_once(access: Access, role: str) -> None:
    used = assertion(access, role)
    assert take(access, role, used)
    stranger = IdpBox(IDP.entity_id, key("other"))
    old = assertion(access, role, now=access.kit.base.now() - timedelta(minutes=6), lifetime=timedelta(minutes=30))
    refused: list[tuple[str, type[BrokerError]]] = [
        (used, InvalidIdentityToken),
        (assertion(access, role, audience="urn:other"), InvalidIdentityToken),
        (assertion(access, role, acs="https://elsewhere.example/saml"), InvalidIdentityToken),
        (assertion(access, role, in_response_to="_asked"), InvalidIdentityToken),
        (assertion(access, role, stranger), InvalidIdentityToken),
        (assertion(access, role, IdpBox("https://evil.example", key("idp"))), InvalidIdentityToken),
        (old, ExpiredIdentityToken),
        ("AAAA", InvalidIdentityToken),
        ("A" * 100_001, InvalidIdentityToken),
    ]
    for text, kind in refused:
        with pytest.raises(kind):
            take(access, role, text)


def test_the_provider_must_be_there(access: Access, role: str) -> None:
    for principal in (PROVIDER + "x", PROVIDER.replace(ACCOUNT, "999999999999"), "corp"):
        with pytest.raises(NotAllowed) as refused:
            take(access, role, assertion(access, role), principal=principal)
        assert refused.value.public == "Specified provider doesn't exist"
    assert take(access, role, assertion(access, role))
