"""What a face may call of identity pools, STS and IAM. One member a use case."""

from __future__ import annotations

from dataclasses import dataclass

from broker.flows.access_kit import AccessKit


@dataclass(frozen=True, slots=True)
class AccessServices:
    """Every member raises the errors that its use case names, most of them `api_errors`; a face turns them into its own wire."""

    kit: AccessKit
