"""The event that every hook gets: Cognito's common members (spec C.9)."""

from __future__ import annotations

from typing import Any


def common(trigger_source: str, version: str, pool_id: str, client_id: str, username: str | None) -> dict[str, Any]:
    """The outer members of an event, with `request` and `response` still empty. The region is what stands before `_` in the pool's id."""
    return {
        "version": version,
        "triggerSource": trigger_source,
        "region": pool_id.partition("_")[0],
        "userPoolId": pool_id,
        "userName": username,
        "callerContext": {"awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": client_id},
        "request": {},
        "response": {},
    }
