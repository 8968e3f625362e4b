"""An ID token of one of this broker's own user pools."""

from __future__ import annotations

from broker.api_errors import NotAuthorized
from broker.errors import InvalidToken
from broker.flows.access_kit import AccessKit
from broker.flows.bearer import alive
from broker.flows.identity.proofs import refusals
from broker.identitypool.logins import user_pool_key, without_scheme
from broker.model.identity import IdentityPool, PoolClient
from broker.model.settings import UserPool
from broker.model.sts import Proof
from broker.tokens.verify import VerifiedToken

# What the verifier's reasons mean to a client. Any other: it is no token of ours at all.
_SENTENCES = {
    "signature": refusals.UNSIGNED,
    "unknown key": refusals.UNSIGNED,
    "key is for another algorithm or use": refusals.NO_AUDIENCE,
    "issuer": refusals.WRONG_ISSUER,
    "token_use": refusals.NO_AUDIENCE,
}


def named(kit: AccessKit, pool: IdentityPool, key: str) -> UserPool | None:
    """The user pool that a key means: as Cognito spells it, or our own issuer without its scheme. Only pools that are configured count."""
    for configured in pool.user_pools:
        users = kit.base.settings.pool(configured.provider.rpartition("/")[2])
        if users is not None and users.enabled and key in (configured.provider, without_scheme(kit.base.addresses.issuer(users))):
            return users
    return None


def id_token(kit: AccessKit, pool: IdentityPool, key: str, token: str, operation: str) -> Proof:
    """Signature, issuer, use, audience and time; with the server-side check also whether the user is still there and signed in."""
    users = named(kit, pool, key)
    if users is None:
        raise refusals.refused(refusals.NOT_OURS, f"no user pool {key[:200]!r}", "provider_not_configured")
    provider = user_pool_key(users.id, kit.account.region)
    verified = _verified(kit, users, token)
    client = _client(kit, pool, users, verified)
    now = kit.base.now()
    if verified.expires_at <= now:
        raise refusals.expired(verified.expires_at.timestamp(), now.timestamp())
    if client.server_side_check:
        with kit.base.store.unit() as unit:
            if alive(unit, verified) is None:
                raise refusals.refused(refusals.INACTIVE, "the user signed out, is disabled or gone", "token_inactive")
    return Proof(
        kind="user_pool",
        key=provider,
        subject=verified.sub,
        mapping_key=f"{provider}:{client.client_id}",
        claims=verified.claims,
        audience=client.client_id,
        amr=(provider, f"{provider}:CognitoSignIn:{verified.sub}"),
    )


def _verified(kit: AccessKit, users: UserPool, token: str) -> VerifiedToken:
    try:
        return kit.base.verifier.verify_hint(users.id, token)
    except InvalidToken as error:
        words = _SENTENCES.get(error.private, refusals.MALFORMED)
        raise refusals.refused(words, f"user pool {users.id}: {error.private}") from None


def _client(kit: AccessKit, pool: IdentityPool, users: UserPool, verified: VerifiedToken) -> PoolClient:
    """The configured client that the token is for; one that was removed or disabled since counts no more."""
    for configured in pool.user_pools:
        if configured.provider.rpartition("/")[2] == users.id and configured.client_id == verified.client_id:
            client = kit.base.settings.client(users.id, configured.client_id)
            if client is not None and client.enabled:
                return configured
    raise _other_audience(verified)


def _other_audience(verified: VerifiedToken) -> NotAuthorized:
    return refusals.refused(refusals.NOT_OURS, f"the token is for client {verified.client_id}", "audience_not_configured")
