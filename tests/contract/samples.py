"""Records to store: each builder makes a whole one, of which a test says only what matters to it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from broker.model.iam import ManagedPolicy, OidcProvider, Revocation, Role, SamlProvider
from broker.model.identity import IdentityPool, PoolClient, PoolIdentity, PoolLogin, RoleMapping, RoleRule, TagMap
from broker.model.keys import KeyRecord
from broker.model.login import Consent, RefreshFamily, Session, TraceLine
from broker.model.records import Job, Trace
from broker.model.settings import AppClient, AttributeSchema, Branding, Group, MappingRule, ProviderRecord, ResourceServer, UserPool
from broker.model.users import LinkedIdentity, PendingLink, User

POOL = "eu_one"
OTHER = "eu_two"


def pool(**given: Any) -> UserPool:
    made = UserPool(
        POOL, "One", domain="login.one.example", schema=(AttributeSchema("custom:dept", min_length=1),), branding=Branding(accent="#123456")
    )
    return replace(made, **given)


def client(**given: Any) -> AppClient:
    made = AppClient("app1", POOL, "App", secrets={"client_secret": "hush"}, redirect_uris=("https://app.example/cb",), jwks={"keys": []})
    return replace(made, **given)


def provider(**given: Any) -> ProviderRecord:
    made = ProviderRecord(
        id="id-Corp",
        pool_id=POOL,
        name="Corp",
        kind="saml",
        identifiers=("Corp.Example",),
        mapping=(MappingRule("email", "copy", {"from": "mail"}, required=True),),
        options={"metadata": '<EntityDescriptor entityID="https://idp.corp.example/a&amp;b">', "sign_requests": True},
        secrets={"private_key": "pem"},
    )
    return replace(made, **given)


def server(**given: Any) -> ResourceServer:
    return replace(ResourceServer(POOL, "https://api.example", "API", (("read", "Read"),)), **given)


def group(**given: Any) -> Group:
    return replace(Group(POOL, "admins", precedence=1), **given)


def user(now: datetime, sub: str = "sub-1", **given: Any) -> User:
    attributes = {"email": "Ada@Example.com", "email_verified": "true", "phone_number": "+4912345", "preferred_username": "ada"}
    made = User(POOL, sub, f"Corp_{sub}", "EXTERNAL_PROVIDER", now, now, attributes)
    return replace(made, **given)


def identity(now: datetime, **given: Any) -> LinkedIdentity:
    made = LinkedIdentity(POOL, "Corp", "key-1", "Ada", "sub-1", "SAML", "https://idp.corp.example", True, now)
    return replace(made, **given)


def pending(now: datetime, **given: Any) -> PendingLink:
    return replace(PendingLink(POOL, "Corp", "email", "ada@example.com", "sub-1", now), **given)


def session(now: datetime, **given: Any) -> Session:
    made = Session(
        id="sid-1",
        pool_id=POOL,
        user_sub="sub-1",
        secret_hash="hash",
        auth_time=now,
        created_at=now,
        expires_at=now + timedelta(hours=1),
        amr=("fed",),
        provider="Corp",
        upstream_subject_key="key-1",
        upstream_index="index-1",
        upstream={"name_id": "Ada", "formats": ["a", "b"], "id_token": "head.claims.of-ada"},
        clients=("app1",),
    )
    return replace(made, **given)


def family(now: datetime, **given: Any) -> RefreshFamily:
    made = RefreshFamily(
        id="family-1",
        pool_id=POOL,
        client_id="app1",
        user_sub="sub-1",
        session_id="sid-1",
        scopes=("openid",),
        event_id="event-1",
        auth_time=now,
        created_at=now,
        expires_at=now + timedelta(days=30),
        provider="Corp",
    )
    return replace(made, **given)


def key(now: datetime, **given: Any) -> KeyRecord:
    return replace(KeyRecord("kid-1", POOL, "id", "RS256", "current", now, "-----PRIVATE-----", activated_at=now), **given)


def trace(now: datetime, **given: Any) -> Trace:
    made = Trace(
        id="login-1",
        pool_id=POOL,
        client_id="app1",
        provider="Corp",
        organization_id=None,
        user_sub="sub-1",
        outcome="signed_in",
        started_at=now,
        expires_at=now + timedelta(days=7),
        lines=(TraceLine(now, "mapping", "ok", {"email": ["copy", 1, None]}),),
        evidence=b"\x00verified bytes\xff",
    )
    return replace(made, **given)


def consent(now: datetime, **given: Any) -> Consent:
    return replace(Consent(POOL, "sub-1", "app1", ("openid", "email"), now), **given)


def job(now: datetime, **given: Any) -> Job:
    return replace(Job("job-1", "mail", {"pool_id": POOL, "to": "ada"}, now), **given)


IDENTITY_POOL = "eu-west-1:11111111-1111-4111-8111-111111111111"
OTHER_IDENTITY_POOL = "eu-west-1:22222222-2222-4222-8222-222222222222"


def identity_pool(**given: Any) -> IdentityPool:
    made = IdentityPool(
        IDENTITY_POOL,
        "One",
        user_pools=(PoolClient("cognito-idp.eu-west-1.amazonaws.com/eu_one", "app1"),),
        secrets={"api.twitter.com": "hush"},
        authenticated_role="arn:aws:iam::000000000000:role/reader",
        mappings={
            "accounts.google.com": RoleMapping("Rules", rules=(RoleRule("arn:aws:iam::000000000000:role/w", "dept", "Equals", "x"),))
        },
        tag_maps={"accounts.google.com": TagMap({"Department": "dept"})},
    )
    return replace(made, **given)


def pool_identity(now: datetime, number: int = 1, **given: Any) -> PoolIdentity:
    logins = (PoolLogin("accounts.google.com", f"ada-{number}", now), PoolLogin("login.corp", f"ada-{number}", now))
    made = PoolIdentity(f"eu-west-1:00000000-0000-4000-8000-{number:012}", IDENTITY_POOL, now, now, logins)
    return replace(made, **given)


def role(now: datetime, **given: Any) -> Role:
    return replace(Role("Reader", "AROAAAAAAAAAAAAAAAAA1", "{}", now, policies={"read": "{}"}, valid_after=now), **given)


def managed_policy(**given: Any) -> ManagedPolicy:
    return replace(ManagedPolicy("read", "{}"), **given)


def oidc_provider(**given: Any) -> OidcProvider:
    return replace(OidcProvider("issuer.example/path", ("app1",)), **given)


def saml_provider(**given: Any) -> SamlProvider:
    return replace(SamlProvider("corp", "<EntityDescriptor/>"), **given)


def revocation(now: datetime, **given: Any) -> Revocation:
    return replace(Revocation("identity:1", now, now + timedelta(hours=12), "left"), **given)
