"""The claims of our tokens, exactly (spec A.2, A.3, A.6). Pure functions of what is asked; `broker.tokens.issue` signs what they say."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256, sha512
from typing import Any

from broker.model.schema import STANDARD, as_claim
from broker.model.settings import AppClient, Group, UserPool
from broker.model.users import LinkedIdentity, User
from broker.tokens.groups import TokenGroups
from broker.tokens.jws import b64

API_SCOPE = "aws.cognito.signin.user.admin"
_SCOPE_CLAIMS = {"email": ("email", "email_verified"), "phone": ("phone_number", "phone_number_verified")}
_SELECTIVE = frozenset({"email", "phone", "profile"})


@dataclass(frozen=True, slots=True)
class IssueAsk:
    """Everything that one pair of tokens says. `family` is the refresh family's id (`origin_jti`), `sid` the session's.

    `groups` are the user's own, in any order. `nonce` is None at refresh. `oauth` is False for API sign-in (no version, no at_hash, all
    readable attributes). `acr` and `amr` become claims only with `authn_context` (spec A.9), so that tokens keep one shape whatever the
    upstream said about itself. `refresh_token` is handed through to the TokenSet.
    """

    pool: UserPool
    client: AppClient
    user: User
    issuer: str
    scopes: tuple[str, ...]
    family: str
    event_id: str
    auth_time: datetime
    now: datetime
    groups: tuple[Group, ...] = ()
    identities: tuple[LinkedIdentity, ...] = ()
    sid: str | None = None
    nonce: str | None = None
    resource: str | None = None
    amr: tuple[str, ...] = ()
    acr: str | None = None
    authn_context: bool = False
    oauth: bool = True
    trigger_source: str = "TokenGeneration_HostedAuth"
    client_metadata: Mapping[str, str] = field(default_factory=dict)
    device_key: str | None = None
    refresh_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class MachineAsk:
    """A client asks for itself (client_credentials). `client_metadata` reaches the hook; the token endpoint fills it with nothing yet."""

    pool: UserPool
    client: AppClient
    issuer: str
    scopes: tuple[str, ...]
    now: datetime
    client_metadata: Mapping[str, str] = field(default_factory=dict)


def id_claims(ask: IssueAsk, groups: TokenGroups) -> dict[str, Any]:
    """ID token claims (spec A.2) but for `jti` and `at_hash`, which belong to the pair. `sid` is OpenID Connect's session id."""
    claims: dict[str, Any] = {name: as_claim(name, value) for name, value in visible(ask.user.attributes, ask.client, _filter(ask)).items()}
    claims |= _shared(ask, ask.client.id_token_ttl) | {"aud": ask.client.id, "token_use": "id", "cognito:username": ask.user.username}
    optional = {
        "nonce": ask.nonce,
        "sid": ask.sid,
        "identities": [identity_claim(each) for each in ask.identities],
        "cognito:groups": list(groups.names),
        "cognito:roles": list(groups.roles),
        "cognito:preferred_role": groups.preferred_role,
    }
    return claims | {name: value for name, value in optional.items() if value}


def access_claims(ask: IssueAsk, groups: TokenGroups) -> dict[str, Any]:
    """Access token claims (spec A.3) but for `jti` and `scope`. `aud` only for a resource-bound token (RFC 8707)."""
    claims = _shared(ask, ask.client.access_token_ttl)
    claims |= {"client_id": ask.client.id, "token_use": "access", "username": ask.user.username}
    if ask.oauth:
        claims["version"] = 2
    optional = {"aud": ask.resource, "device_key": ask.device_key, "cognito:groups": list(groups.names)}
    return claims | {name: value for name, value in optional.items() if value}


def machine_claims(ask: MachineAsk) -> dict[str, Any]:
    """A client-credentials access token (spec A.3) but for `jti` and `scope`: no user, so no user's claims."""
    now = int(ask.now.timestamp())
    return {
        "sub": ask.client.id,
        "client_id": ask.client.id,
        "iss": ask.issuer,
        "token_use": "access",
        "version": 2,
        "auth_time": now,
        "iat": now,
        "exp": now + ask.client.access_token_ttl,
    }


def granted_scopes(ask: IssueAsk) -> tuple[str, ...]:
    """The scopes that go into the access token: API sign-in always has exactly its own (spec A.3)."""
    return ask.scopes if ask.oauth else (API_SCOPE,)


def wants_id_token(ask: IssueAsk) -> bool:
    """ID tokens exist only if `openid` was granted; API sign-in always gets one."""
    return not ask.oauth or "openid" in ask.scopes


def visible(attributes: Mapping[str, str], client: AppClient, scopes: Iterable[str] | None) -> dict[str, str]:
    """The attributes that a client may see (spec A.2, "Scope filter"); for ID tokens and userInfo alike. None as scopes: no filter.

    Without `read_attributes` a client reads the standard ones; a custom attribute must be listed (spec C.1).
    """
    readable = STANDARD.keys() if client.read_attributes is None else frozenset(client.read_attributes)
    chosen = _SELECTIVE.intersection(scopes if scopes is not None else ())
    if not chosen or "profile" in chosen:
        allowed: Iterable[str] = readable
    else:
        allowed = readable & {name for scope in chosen for name in _SCOPE_CLAIMS[scope]}
    return {name: value for name, value in sorted(attributes.items()) if value and name in allowed and name not in _NEVER}


def user_info(user: User, client: AppClient, scopes: Iterable[str]) -> dict[str, str]:
    """What userInfo answers (spec B.5): `sub`, `username` and the visible attributes, every value text."""
    return visible(user.attributes, client, scopes) | {"sub": user.sub, "username": user.username}


def identity_claim(link: LinkedIdentity) -> dict[str, str | None]:
    """One member of `identities` in a token: every value text, `issuer` null where there is none (spec A.6)."""
    return {
        "userId": link.subject,
        "providerName": link.provider,
        "providerType": link.provider_type,
        "issuer": link.issuer,
        "primary": "true" if link.primary else "false",
        "dateCreated": str(_millis(link.created_at)),
    }


def identities_attribute(links: Iterable[LinkedIdentity]) -> str:
    """The same as a user attribute: one JSON text, with `primary` a boolean and `dateCreated` a number (spec A.6)."""
    rows = [identity_claim(link) | {"primary": link.primary, "dateCreated": _millis(link.created_at)} for link in links]
    return json.dumps(rows, separators=(",", ":"))


def at_hash(access_token: str, alg: str) -> str:
    """OpenID Connect Core 3.1.3.6: the left half of the digest that goes with `alg`, which for Ed25519 is SHA-512."""
    digest = (sha512 if alg == "EdDSA" else sha256)(access_token.encode("ascii")).digest()
    return b64(digest[: len(digest) // 2])


_NEVER = frozenset({"sub", "identities", "username"})


def _shared(ask: IssueAsk, ttl: int) -> dict[str, Any]:
    now = int(ask.now.timestamp())
    claims: dict[str, Any] = {
        "sub": ask.user.sub,
        "iss": ask.issuer,
        "event_id": ask.event_id,
        "auth_time": int(ask.auth_time.timestamp()),
        "iat": now,
        "exp": now + ttl,
    }
    if ask.client.revocation:
        claims["origin_jti"] = ask.family
    if ask.authn_context:
        claims |= ({"acr": ask.acr} if ask.acr else {}) | ({"amr": list(ask.amr)} if ask.amr else {})
    return claims


def _filter(ask: IssueAsk) -> tuple[str, ...] | None:
    return ask.scopes if ask.oauth else None


def _millis(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
