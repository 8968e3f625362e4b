"""The IAM subset: what is made is there, what breaks a rule is refused, what the file declares stays as it is (API `iam`)."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from broker.api_errors import (
    DeleteConflict,
    EntityExists,
    InvalidParameter,
    LimitExceeded,
    NoSuchEntity,
    Unmodifiable,
    ValidationFailed,
)
from broker.errors import MalformedPolicy
from broker.flows.iam import managed, oidc_providers, policies, roles, saml_providers
from broker.flows.iam.managed import PolicyAsk, PolicyListing
from broker.flows.iam.oidc_providers import OidcAsk
from broker.flows.iam.policies import AttachedListing
from broker.flows.iam.roles import RoleAsk, RoleChange, RoleListing
from broker.flows.iam.saml_providers import SamlProviderAsk
from broker.model.iam import ManagedPolicy, OidcProvider, SamlProvider
from tests.fakes.access import ACCOUNT, ROOT, Access, allow, document, trust, trust_of
from tests.fakes.saml_forge import IdpBox
from tests.fakes.saml_keys import key

TRUST = trust_of({"AWS": ROOT}, "sts:AssumeRole")
METADATA = IdpBox("https://idp.example/metadata", key("idp")).metadata()


@pytest.fixture(scope="module")
def access(tmp_path_factory: pytest.TempPathFactory) -> Access:
    return Access.start(tmp_path_factory.mktemp("iam"))


def create(access: Access, name: str, **more: Any) -> str:
    return roles.create(access.kit, access.admin(), RoleAsk(name, more.pop("trust", TRUST), **more)).name


def policy(access: Access, name: str, path: str = "/") -> str:
    return managed.create(access.kit, access.admin(), PolicyAsk(name, document(allow("reports:Get")), path)).arn


def test_a_role_from_birth_to_death(access: Access) -> None:
    kit, by = access.kit, access.admin()
    made = roles.create(kit, by, RoleAsk("Life", TRUST, "/team/", "One", 7200, None, (("Team", "blue"),)))
    assert re.fullmatch(r"AROA[A-Z2-7]{16}", made.id)
    assert roles.get(kit, "Life") == made
    roles.update(kit, by, RoleChange("Life", description="Two"))
    roles.update(kit, by, RoleChange("Life", max_session=3600))
    changed = roles.update_trust(kit, by, "Life", trust())
    assert (changed.description, changed.max_session, changed.trust, changed.id) == ("Two", 3600, trust(), made.id)
    roles.tag(kit, by, "Life", (("TEAM", "red"), ("Floor", "3")))
    assert roles.list_tags(kit, "Life").items == [("Floor", "3"), ("TEAM", "red")]
    roles.untag(kit, by, "Life", ("team", "none"))
    assert roles.list_tags(kit, "Life").items == [("Floor", "3")]
    policies.put(kit, by, "Life", "inline", document(allow("reports:Get")))
    with pytest.raises(DeleteConflict):
        roles.delete(kit, by, "Life")
    policies.delete(kit, by, "Life", "inline")
    roles.delete(kit, by, "Life")
    with pytest.raises(NoSuchEntity):
        roles.get(kit, "Life")
    with pytest.raises(NoSuchEntity):
        roles.delete(kit, by, "Life")
    assert access.audited("role.deleted")[-1]["detail"] == {"by": ROOT, "role": "Life"}


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"name": "Two words"}, ValidationFailed),
        ({"name": "x" * 65}, ValidationFailed),
        ({"path": "team"}, ValidationFailed),
        ({"path": "/te*m/"}, ValidationFailed),
        ({"max_session": 899}, ValidationFailed),
        ({"max_session": 43_201}, ValidationFailed),
        ({"tags": (("a", "1"), ("A", "2"))}, InvalidParameter),
        ({"tags": (("aws:x", "1"),)}, InvalidParameter),
        ({"boundary": f"arn:aws:iam::{ACCOUNT}:policy/none"}, NoSuchEntity),
        ({"trust": "{}"}, MalformedPolicy),
        ({"trust": document(allow("sts:AssumeRole"))}, MalformedPolicy),
        ({"trust": "x" * 5000}, MalformedPolicy),
    ],
)
def test_a_role_that_breaks_a_rule_is_not_made(access: Access, changes: dict[str, Any], kind: type[Exception]) -> None:
    ask = {"name": "Rules", **changes}
    with pytest.raises(kind):
        create(access, **ask)
    assert create(access, f"Good{abs(hash(str(changes)))}", tags=(("a", "1"),), max_session=900)


def test_a_name_is_taken_in_any_case(access: Access) -> None:
    create(access, "Taken")
    for name in ("Taken", "TAKEN"):
        with pytest.raises(EntityExists) as refused:
            create(access, name)
        assert refused.value.public == f"Role with name {name} already exists."


def test_what_the_file_declares_is_not_changed_by_the_api(access: Access) -> None:
    kit, by = access.kit, access.admin()
    with kit.base.store.unit() as unit:
        unit.managed_policies.put(ManagedPolicy("filed", document(allow("x:*"))))
        unit.oidc_providers.put(OidcProvider("filed.example", ("a",)))
        unit.saml_providers.put(SamlProvider("filed", METADATA))
    oidc, saml = f"arn:aws:iam::{ACCOUNT}:oidc-provider/filed.example", f"arn:aws:iam::{ACCOUNT}:saml-provider/filed"
    for write in (
        lambda: roles.update(kit, by, RoleChange("declared", description="x")),
        lambda: roles.update_trust(kit, by, "declared", TRUST),
        lambda: roles.delete(kit, by, "declared"),
        lambda: roles.tag(kit, by, "declared", (("a", "b"),)),
        lambda: roles.put_boundary(kit, by, "declared", f"arn:aws:iam::{ACCOUNT}:policy/filed"),
        lambda: policies.put(kit, by, "declared", "p", document(allow("x:*"))),
        lambda: policies.delete(kit, by, "declared", "read"),
        lambda: policies.attach(kit, by, "declared", f"arn:aws:iam::{ACCOUNT}:policy/filed"),
        lambda: managed.delete(kit, by, f"arn:aws:iam::{ACCOUNT}:policy/filed"),
        lambda: oidc_providers.add_client(kit, by, oidc, "b"),
        lambda: oidc_providers.delete(kit, by, oidc),
        lambda: saml_providers.update(kit, by, saml, METADATA),
        lambda: saml_providers.delete(kit, by, saml),
    ):
        with pytest.raises(Unmodifiable) as refused:
            write()
        assert "configuration file" in refused.value.public
    assert roles.get(kit, "declared").owner == "file"


def test_inline_policies(access: Access) -> None:
    kit, by = access.kit, access.admin()
    create(access, "Inline")
    text = document(allow("reports:Get"))
    policies.put(kit, by, "Inline", "b", text)
    policies.put(kit, by, "Inline", "a", text)
    assert policies.get(kit, "Inline", "a") == text
    first = policies.list_page(kit, "Inline", None, 1)
    assert (first.items, policies.list_page(kit, "Inline", first.marker, 1).items) == (["a"], ["b"])
    assert policies.list_page(kit, "Inline", first.marker, 1).marker is None
    for wrong in (lambda: policies.get(kit, "Inline", "c"), lambda: policies.delete(kit, by, "Inline", "c")):
        with pytest.raises(NoSuchEntity):
            wrong()
    with pytest.raises(MalformedPolicy):
        policies.put(kit, by, "Inline", "c", TRUST)
    with pytest.raises(ValidationFailed):
        policies.put(kit, by, "Inline", "c d", text)
    policies.put(kit, by, "Inline", "c", document(*[allow("reports:" + "x" * 100) for _ in range(55)]))
    with pytest.raises(LimitExceeded):
        policies.put(kit, by, "Inline", "d", document(*[allow("reports:" + "x" * 100) for _ in range(55)]))
    with pytest.raises(ValidationFailed):
        policies.list_page(kit, "Inline", "&&&")


def test_writers_at_once_lose_nothing(access: Access) -> None:
    create(access, "Busy")
    names = [f"p{number:02}" for number in range(12)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda name: policies.put(access.kit, access.admin(), "Busy", name, document(allow("x:y"))), names))
    assert policies.list_page(access.kit, "Busy").items == names

    def attempt(_: int) -> bool:
        try:
            return bool(create(access, "OnlyOnce"))
        except EntityExists:
            return False

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(attempt, range(4))) == 1


def test_managed_policies_and_their_attachments(access: Access) -> None:
    kit, by = access.kit, access.admin()
    create(access, "Holder")
    arn = policy(access, "shared", "/team/")
    assert arn == f"arn:aws:iam::{ACCOUNT}:policy/team/shared"
    with pytest.raises(EntityExists):
        policy(access, "shared")
    policies.attach(kit, by, "Holder", arn)
    policies.attach(kit, by, "Holder", arn)
    assert [each.name for each in policies.list_attached(kit, AttachedListing("Holder")).items] == ["shared"]
    assert not policies.list_attached(kit, AttachedListing("Holder", path_prefix="/other/")).items
    roles.put_boundary(kit, by, "Holder", arn)
    view = managed.get(kit, arn)
    assert (view.attached_to, view.bounds, view.policy.name) == (1, 1, "shared")
    assert re.fullmatch(r"ANPA[A-Z2-7]{16}", view.id)
    for conflict in (lambda: managed.delete(kit, by, arn), lambda: roles.delete(kit, by, "Holder")):
        with pytest.raises(DeleteConflict):
            conflict()
    policies.detach(kit, by, "Holder", arn)
    with pytest.raises(DeleteConflict):
        managed.delete(kit, by, arn)
    roles.delete_boundary(kit, by, "Holder")
    for gone in (
        lambda: roles.delete_boundary(kit, by, "Holder"),
        lambda: policies.detach(kit, by, "Holder", arn),
        lambda: policies.attach(kit, by, "Holder", arn + "x"),
        lambda: managed.get(kit, f"arn:aws:iam::{ACCOUNT}:policy/shared"),
        lambda: managed.get_version(kit, arn, "v2"),
        lambda: managed.get(kit, arn.replace(ACCOUNT, "aws")),
    ):
        with pytest.raises(NoSuchEntity):
            gone()
    assert managed.get_version(kit, arn, "v1").document == document(allow("reports:Get"))
    managed.delete(kit, by, arn)
    with pytest.raises(MalformedPolicy):
        managed.create(kit, by, PolicyAsk("bad", TRUST))


def test_a_role_holds_so_many_policies_and_no_more(access: Access) -> None:
    create(access, "Many")
    arns = [policy(access, f"many{number:02}") for number in range(21)]
    for arn in arns[:20]:
        policies.attach(access.kit, access.admin(), "Many", arn)
    with pytest.raises(LimitExceeded):
        policies.attach(access.kit, access.admin(), "Many", arns[20])
    pages, marker = [], None
    while True:
        page = policies.list_attached(access.kit, AttachedListing("Many", marker=marker, max_items=7))
        pages.append(len(page.items))
        marker = page.marker
        if marker is None:
            break
    assert pages == [7, 7, 6]


def test_lists_are_paged_by_name_and_cut_by_path(access: Access) -> None:
    for number in range(3):
        create(access, f"Paged{number}", path="/paged/")
        policy(access, f"paged{number}", "/paged/")
    found = roles.list_page(access.kit, RoleListing("/paged/", max_items=2))
    assert [role.name for role in found.items] == ["Paged0", "Paged1"]
    rest = roles.list_page(access.kit, RoleListing("/paged/", found.marker, 2))
    assert ([role.name for role in rest.items], rest.marker) == (["Paged2"], None)
    views = managed.list_page(access.kit, PolicyListing(path_prefix="/paged/")).items
    assert [view.policy.name for view in views] == ["paged0", "paged1", "paged2"]
    assert not managed.list_page(access.kit, PolicyListing(scope="AWS")).items
    assert not managed.list_page(access.kit, PolicyListing(path_prefix="/paged/", only_attached=True)).items


def test_openid_providers(access: Access) -> None:
    kit, by = access.kit, access.admin()
    arn = oidc_providers.create(kit, by, OidcAsk("https://op.example/tenant", ("a", "a"), (("x", "y"),)))
    assert arn == f"arn:aws:iam::{ACCOUNT}:oidc-provider/op.example/tenant"
    assert oidc_providers.get(kit, arn).issuer == "https://op.example/tenant"
    oidc_providers.add_client(kit, by, arn, "b")
    oidc_providers.add_client(kit, by, arn, "b")
    oidc_providers.remove_client(kit, by, arn, "a")
    oidc_providers.remove_client(kit, by, arn, "never")
    assert oidc_providers.get(kit, arn).client_ids == ("b",)
    assert arn in oidc_providers.list_all(kit)
    with pytest.raises(EntityExists):
        oidc_providers.create(kit, by, OidcAsk("https://op.example/tenant"))
    with pytest.raises(LimitExceeded):
        oidc_providers.create(kit, by, OidcAsk("https://many.example", tuple(str(number) for number in range(101))))
    for url in ("http://op.example", "https://", "https://a@op.example", "https://op.example?x", "op.example", "https://op example"):
        with pytest.raises(InvalidParameter):
            oidc_providers.create(kit, by, OidcAsk(url))
    with pytest.raises(InvalidParameter):
        oidc_providers.add_client(kit, by, arn, "")
    oidc_providers.delete(kit, by, arn)
    for gone in (arn, arn.replace(ACCOUNT, "999999999999"), "nonsense"):
        with pytest.raises(NoSuchEntity):
            oidc_providers.get(kit, gone)


def test_saml_providers(access: Access) -> None:
    kit, by = access.kit, access.admin()
    arn = saml_providers.create(kit, by, SamlProviderAsk("idp", METADATA))
    assert saml_providers.get(kit, arn).metadata == METADATA
    assert saml_providers.update(kit, by, arn, METADATA + "\n") == arn
    assert (arn, "idp") in [(found, provider.name) for found, provider in saml_providers.list_all(kit)]
    with pytest.raises(EntityExists):
        saml_providers.create(kit, by, SamlProviderAsk("idp", METADATA))
    for text in ("<x/>", "", METADATA.replace("IDPSSODescriptor", "SPSSODescriptor")):
        with pytest.raises(InvalidParameter) as refused:
            saml_providers.create(kit, by, SamlProviderAsk("other", text))
        assert refused.value.public.startswith("Could not parse metadata: ")
    with pytest.raises(InvalidParameter):
        saml_providers.create(kit, by, SamlProviderAsk("a/b", METADATA))
    saml_providers.delete(kit, by, arn)
    with pytest.raises(NoSuchEntity):
        saml_providers.get(kit, arn)
