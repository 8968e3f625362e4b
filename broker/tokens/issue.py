"""Issue tokens: build the claims, let the pool's hook change what it may, sign."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from broker.errors import HookRefused
from broker.hooks import pretoken
from broker.hooks.overlay import overlay
from broker.hooks.plugins import unrecognisable
from broker.hooks.pretoken import GroupOverride, PreTokenAsk, PreTokenResult
from broker.ports.environment import Random
from broker.tokens.claims import (
    IssueAsk,
    MachineAsk,
    access_claims,
    at_hash,
    granted_scopes,
    id_claims,
    identities_attribute,
    machine_claims,
    wants_id_token,
)
from broker.tokens.groups import TokenGroups, token_groups
from broker.tokens.keys import KeyRing
from broker.tokens.verify import LONGEST, TokenUse


@dataclass(frozen=True, slots=True)
class TokenSet:
    """What a token endpoint answers. `expires_in` is the access token's lifetime in seconds; `scopes` what it really carries."""

    access_token: str = field(repr=False)
    expires_in: int
    scopes: tuple[str, ...]
    id_token: str | None = field(default=None, repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    token_type: str = "Bearer"  # noqa: S105 -- the type's name


class TokenIssuer:
    """Signs the tokens of every pool. One per process; safe for threads."""

    def __init__(self, ring: KeyRing, random: Random) -> None:
        self._ring = ring
        self._random = random

    def issue(self, ask: IssueAsk) -> TokenSet:
        """An access token, and an ID token if `openid` was granted. Raises HookRefused, and ConfigError if the pool's hook is missing."""
        groups = token_groups(ask.groups)
        change = self._hook(ask, groups)
        if change.groups is not None:
            groups = TokenGroups(change.groups.groups, change.groups.roles, change.groups.preferred_role)
        scopes = change.scopes(granted_scopes(ask))
        access = overlay(access_claims(ask, groups), change.access_token, "access", ask.client.id) | {"scope": " ".join(scopes)}
        identity = overlay(id_claims(ask, groups), change.id_token, "id", ask.client.id) if wants_id_token(ask) else {}
        if len(access) + len(identity) + len(scopes) > pretoken.MOST_ITEMS:
            raise unrecognisable(pretoken.TRIGGER, f"more than {pretoken.MOST_ITEMS} claims and scopes")
        if ask.client.revocation:
            access["jti"] = self._random.uuid()
        access_token = self._sign(ask, "access", access)
        id_token = self._id_token(ask, identity, access_token) if identity else None
        return TokenSet(access_token, ask.client.access_token_ttl, scopes, id_token, ask.refresh_token)

    def issue_client_credentials(self, ask: MachineAsk) -> TokenSet:
        """An access token for the client itself: no ID token, no refresh token. Raises as `issue` does."""
        change = self._machine_hook(ask)
        scopes = change.scopes(ask.scopes)
        claims = overlay(machine_claims(ask), change.access_token, "access", ask.client.id)
        if len(claims) + len(scopes) > pretoken.MOST_ITEMS:
            raise unrecognisable(pretoken.TRIGGER, f"more than {pretoken.MOST_ITEMS} claims and scopes")
        token = self._sign(ask, "access", claims | {"scope": " ".join(scopes), "jti": self._random.uuid()})
        return TokenSet(token, ask.client.access_token_ttl, scopes)

    def _id_token(self, ask: IssueAsk, claims: dict[str, Any], access_token: str) -> str:
        if ask.oauth:
            claims["at_hash"] = at_hash(access_token, ask.client.signing_alg)
        if ask.client.revocation:
            claims["jti"] = self._random.uuid()
        return self._sign(ask, "id", claims)

    def _sign(self, ask: IssueAsk | MachineAsk, use: TokenUse, claims: dict[str, Any]) -> str:
        token = self._ring.signer(ask.pool.id, use, ask.client.signing_alg).compact(claims)
        if len(token) > LONGEST:
            # What we would not take back, we do not give out. It takes a hook, or seventy attributes at their longest.
            raise HookRefused(f"the {use} token would have {len(token)} characters", public="The token is too large.")
        return token

    def _hook(self, ask: IssueAsk, groups: TokenGroups) -> PreTokenResult:
        if not ask.pool.pre_token_hook:
            return PreTokenResult()
        attributes = dict(ask.user.attributes) | {"sub": ask.user.sub, "cognito:user_status": ask.user.status}
        if ask.identities:
            attributes["identities"] = identities_attribute(ask.identities)
        return pretoken.run(
            ask.pool.pre_token_hook,
            PreTokenAsk(
                trigger_source=ask.trigger_source,
                pool_id=ask.pool.id,
                client_id=ask.client.id,
                username=ask.user.username,
                user_attributes=attributes,
                groups=GroupOverride(groups.names, groups.roles, groups.preferred_role),
                scopes=granted_scopes(ask),
                client_metadata=ask.client_metadata,
            ),
        )

    def _machine_hook(self, ask: MachineAsk) -> PreTokenResult:
        if not ask.pool.pre_token_hook:
            return PreTokenResult()
        return pretoken.run(
            ask.pool.pre_token_hook,
            PreTokenAsk(
                trigger_source="TokenGeneration_ClientCredentials",
                pool_id=ask.pool.id,
                client_id=ask.client.id,
                username="ClientCredentials",
                user_attributes={},
                groups=None,
                scopes=ask.scopes,
                client_metadata=ask.client_metadata,
            ),
        )
