"""What identity pools publish, so that AWS IAM, Ceph RGW or SeaweedFS can trust them as OpenID providers."""

from __future__ import annotations

import re
from typing import Any

from broker.errors import NotFound
from broker.flows.access_kit import AccessKit
from broker.identitypool.assume import pool_issuer
from broker.model.identity import IdentityPool
from broker.tokens.openid import ALG

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)


def configuration(kit: AccessKit, uuid: str) -> dict[str, Any]:
    """The discovery document (OpenID Connect Discovery 1.0, 3). Nobody signs in here, so there are no endpoints. Raises NotFound."""
    issuer = pool_issuer(kit.identity_base, _pool(kit, uuid).id)
    return {
        "issuer": issuer,
        "jwks_uri": f"{issuer}/.well-known/jwks_uri",
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALG],
        "claims_supported": ["iss", "sub", "aud", "exp", "iat", "amr"],
    }


def jwks(kit: AccessKit, uuid: str) -> dict[str, list[dict[str, Any]]]:
    """The pool's public keys with their certificates. Raises NotFound."""
    return kit.base.keys.openid_jwks(_pool(kit, uuid).id)


def _pool(kit: AccessKit, uuid: str) -> IdentityPool:
    # Looked at first: only names that a pool could have may cost a query, and keys are made for pools that exist alone.
    pool = kit.base.settings.identity_pool(f"{kit.account.region}:{uuid}") if _UUID.fullmatch(uuid) else None
    if pool is None or not pool.enabled:
        raise NotFound("no such identity pool")
    return pool
