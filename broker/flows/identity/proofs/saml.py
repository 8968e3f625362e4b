"""A SAML assertion as a login: read by the strict reader, for the audience and recipient of the pool or of the provider (spec D.3, E.4).

Nobody asked for it, so it must not answer a request (attack SAML-G). One exchange shows it to several operations (GetId, then
GetCredentialsForIdentity), so it is good for each of them once: shown again, it is a replay.
"""

from __future__ import annotations

from collections.abc import Callable

from broker.api_errors import InvalidIdentityToken
from broker.errors import BrokerError
from broker.flows.access_kit import AccessKit
from broker.flows.identity.proofs import refusals
from broker.flows.sts.assertion import Accepted, Meant, look_at_assertion, read_assertion
from broker.model.identity import IdentityPool
from broker.model.sts import Proof


def assertion(kit: AccessKit, pool: IdentityPool, key: str, token: str, operation: str) -> Proof:
    """Raises NotAuthorized; the reader's own reason goes to the log."""
    return _proof(key, lambda: read_assertion(kit, key, token, f"{pool.id}/{operation}", _meant(pool, key)))


def unburned(kit: AccessKit, pool: IdentityPool, key: str, token: str) -> Proof:
    """As `assertion`, but it stays as good as it was: for explanations."""
    return _proof(key, lambda: look_at_assertion(kit, key, token, _meant(pool, key)))


def _meant(pool: IdentityPool, key: str) -> Meant:
    return Meant(pool.saml_audiences.get(key), pool.saml_recipients.get(key))


def _proof(key: str, read: Callable[[], Accepted]) -> Proof:
    try:
        accepted = read()
    except (InvalidIdentityToken, BrokerError) as error:
        raise refusals.refused(refusals.INVALID, f"{key}: {error.private}", error.code) from None
    return Proof(
        kind="saml",
        key=key,
        subject=accepted.subject,
        mapping_key=key,
        claims=accepted.claims,
        audience=accepted.audience,
        amr=(key, f"{key}:SAML:{accepted.subject}"),
        roles=accepted.roles,
    )
