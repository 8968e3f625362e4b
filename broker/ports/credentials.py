"""Where temporary credentials come from."""

from __future__ import annotations

from typing import Protocol

from broker.model.sts import Credentials, Grant


class CredentialIssuer(Protocol):
    """Hands out credentials for a grant that has been decided: our own STS, or any that takes AssumeRoleWithWebIdentity."""

    def issue(self, grant: Grant) -> Credentials:
        """Raises api_errors.InvalidPoolConfiguration if the role does not take the sign-in, ExternalService if the STS is away."""
        ...
