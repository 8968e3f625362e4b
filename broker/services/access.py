"""What a face may call of identity pools, STS and IAM. One member a use case."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from broker.flows.access_kit import AccessKit
from broker.flows.identity import explain as explaining
from broker.flows.identity.explanation import ExplainAsk, Explanation
from broker.flows.identity.role_reach import reach_role
from broker.flows.sts import published
from broker.identitypool.reach.path import Path


@dataclass(frozen=True, slots=True)
class AccessServices:
    """Every member raises the errors that its use case names, most of them `api_errors`; a face turns them into its own wire."""

    kit: AccessKit

    # --- what identity pools publish -------------------------------------------------------------------------------------------------

    def identity_configuration(self, uuid: str) -> dict[str, Any]:
        """The discovery document of an identity pool's issuer."""
        return published.configuration(self.kit, uuid)

    def identity_jwks(self, uuid: str) -> dict[str, Any]:
        """Its public keys."""
        return published.jwks(self.kit, uuid)

    # --- why, and who ----------------------------------------------------------------------------------------------------------------

    def explain(self, ask: ExplainAsk) -> Explanation:
        """Why a sign-in gets the role and the rights that it gets. Nothing is written."""
        return explaining.explain(self.kit, ask)

    def reach(self, role: str) -> tuple[Path, ...]:
        """Every way that leads to a role, by name or ARN."""
        return reach_role(self.kit, role)
