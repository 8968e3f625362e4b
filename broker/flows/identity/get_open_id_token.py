"""GetOpenIdToken: the token for the basic (classic) flow, in which the application itself goes to STS (spec D.5, attack IP-S1.4)."""

from __future__ import annotations

from collections.abc import Mapping

from broker.api_errors import InvalidParameter
from broker.flows.access_kit import AccessKit
from broker.flows.identity.lookups import found_with_pool, refusals_told
from broker.flows.identity.signing_in import TokenFor, make_token, sign_in, tags_for
from broker.identitypool.openid import amr_of
from broker.model.identity import IdentityPool

CLASSIC_OFF = "Basic (classic) flow is not enabled, please use enhanced flow."
CLASSIC_WITH_MAPPINGS = "Basic (classic) flow is not supported with RoleMappings, please use enhanced flow."
ENHANCED_ONLY = "Basic (classic) flow is not supported with SAML, please use enhanced flow."


def get_open_id_token(kit: AccessKit, identity_id: str, logins: Mapping[str, str]) -> tuple[str, str]:
    """Identity id and token. Raises InvalidParameter where the classic flow is off, and what signing in raises."""
    with refusals_told(kit, "openid_token.refused", identity=identity_id):
        _, pool = found_with_pool(kit, identity_id)
        _check_classic(pool, logins)
        known = sign_in(kit, identity_id, logins, "GetOpenIdToken")
        tags = tags_for(pool, known.proofs)
        amr = amr_of(known.proofs)
        token = make_token(kit, TokenFor(pool.id, known.identity.id, amr, tags.tags))
    detail = {"identity": known.identity.id, "tags": sorted(tags.tags)}
    kit.base.audit("openid_token.issued", "ok", "classic", detail, pool_id=pool.id)
    return known.identity.id, token


def _check_classic(pool: IdentityPool, logins: Mapping[str, str]) -> None:
    if not pool.allow_classic:
        raise InvalidParameter(f"classic flow is off in {pool.id}", public=CLASSIC_OFF)
    if pool.mappings:
        raise InvalidParameter(f"{pool.id} has role mappings", public=CLASSIC_WITH_MAPPINGS)
    if any(key in pool.saml_providers for key in logins):
        raise InvalidParameter("a SAML login in the classic flow", public=ENHANCED_ONLY)
