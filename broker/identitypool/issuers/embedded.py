"""Our own STS as the issuer of an identity pool's credentials (spec D.7, steps 7 and 8).

It is in the same process as the sign-in that was verified, so nothing is signed and verified again: no RSA here, and no row is read or
written. The role comes from the settings cache, and the session goes into its own token.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from broker.api_errors import InvalidPoolConfiguration
from broker.identitypool.assume import Wish, pool_aliases, pool_names, refusal
from broker.identitypool.issuers.mint import mint
from broker.identitypool.issuers.session_token import SessionTokens
from broker.identitypool.policy.context import COGNITO, Principal
from broker.identitypool.policy.trust import WITH_WEB_IDENTITY
from broker.identitypool.roles import role_of
from broker.model.iam import Role
from broker.model.sts import Credentials, Grant, StsSession
from broker.ports.environment import Clock, Random
from broker.ports.store import Settings


@dataclass(frozen=True, slots=True)
class EmbeddedIssuer:
    """ports.credentials.CredentialIssuer. `identity_base` is what identity pools' issuers begin with. Safe for threads."""

    account_id: str
    identity_base: str
    settings: Settings
    clock: Clock
    random: Random
    tokens: SessionTokens

    def issue(self, grant: Grant) -> Credentials:
        """Credentials of the role for `grant.ttl` seconds, or for the role's longest session if that is shorter.

        Raises InvalidPoolConfiguration if the role is not there, or its trust policy does not let the sign-in, its tags or its source
        identity in.
        """
        role = role_of(self.settings, self.account_id, grant.role_arn)
        if role is None:
            raise InvalidPoolConfiguration(f"no enabled role {grant.role_arn} in account {self.account_id}")
        now = self.clock.now()
        if why := refusal(self.account_id, role, wish_of(self.account_id, self.identity_base, grant), now):
            raise InvalidPoolConfiguration(f"{grant.role_arn}: {why}")
        return mint(self.tokens, self.random, session_of(grant, role, now))


def wish_of(account_id: str, identity_base: str, grant: Grant) -> Wish:
    """The grant as the role's trust policy sees it."""
    pool_id = grant.identity_pool_id or ""
    return Wish(
        action=WITH_WEB_IDENTITY,
        principal=Principal.federated(*pool_names(identity_base, account_id, pool_id)),
        session_name=grant.session_name,
        keys={**grant.federated, "aws:FederatedProvider": COGNITO},
        aliases=pool_aliases(identity_base, pool_id),
        tags=grant.tags,
        transitive_keys=grant.transitive_keys,
        source_identity=grant.source_identity,
    )


def session_of(grant: Grant, role: Role, now: datetime) -> StsSession:
    """The session that the grant begins, still without an access key."""
    return StsSession(
        access_key_id="",
        role_arn=grant.role_arn,
        role_id=role.id,
        session_name=grant.session_name,
        issued_at=now,
        expires_at=now + timedelta(seconds=min(grant.ttl, role.max_session)),
        tags=grant.tags,
        transitive_keys=grant.transitive_keys,
        session_policies=grant.session_policies,
        policy_arns=grant.policy_arns,
        source_identity=grant.source_identity,
        provider=COGNITO,
        federated=grant.federated,
        identity_id=grant.identity_id,
        identity_pool_id=grant.identity_pool_id,
    )
