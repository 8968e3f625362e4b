"""The inbound federation hook (spec B.9): it sees what a provider sent, verified but not yet mapped, and may replace it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from broker.hooks import plugins
from broker.hooks.event import common
from broker.model.settings import UserPool

TRIGGER = "InboundFederation"
SOURCE = "InboundFederation_ExternalProvider"


def inbound_federation(pool: UserPool, provider_name: str, provider_type: str, attributes: Mapping[str, Any]) -> dict[str, Any] | None:
    """Ask the pool's hook, if it has one. What it gives replaces the whole set of claims; None leaves them as they are.

    The event is Cognito's: `samlResponse` for SAML, else `idToken` and `userInfo`. The broker knows one merged set of claims, so both hold
    it. The subject is not in the hook's hands. Raises HookRefused, ConfigError.
    """
    if not pool.inbound_federation_hook:
        return None
    event = common(SOURCE, "1", pool.id, "", None)
    claims = json.loads(json.dumps(dict(attributes), default=str))
    split = {"tokenResponse": {}, "idToken": dict(claims), "userInfo": claims}
    told = {"samlResponse": claims} if provider_type == "SAML" else split
    event["request"] = {"providerName": provider_name, "providerType": provider_type, "attributes": told}
    event["response"] = {"userAttributesToMap": {}}
    response = plugins.call(TRIGGER, plugins.load(pool.inbound_federation_hook), event)
    return _read(response.get("userAttributesToMap"))


def _read(answer: object) -> dict[str, Any] | None:
    if answer is None or answer == {}:
        return None
    try:
        claims = json.loads(json.dumps(answer, allow_nan=False))
    except (TypeError, ValueError, RecursionError):
        raise plugins.unrecognisable(TRIGGER, "userAttributesToMap is not JSON") from None
    if not isinstance(claims, dict):
        raise plugins.unrecognisable(TRIGGER, "userAttributesToMap is not an object")
    return claims
