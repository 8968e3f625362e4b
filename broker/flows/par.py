"""Pushed authorization requests (RFC 9126): the same checks as at authorize, before the browser is involved, behind a one-time handle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta

from broker.errors import BrokerError, InvalidRequest
from broker.flows.authorize import read_request, trust
from broker.flows.grants.client_auth import Credentials, authenticate
from broker.flows.kit import FlowKit
from broker.flows.logins import secret_hash
from broker.model.settings import UserPool
from broker.ports.transient import Taken

PAR_SECONDS = 90
PREFIX = "urn:ietf:params:oauth:request_uri:"
NOT_PUSHED = frozenset({"client_secret", "client_assertion", "client_assertion_type", "request_uri"})


def push(kit: FlowKit, pool: UserPool, given: Credentials) -> tuple[str, int]:
    """The request_uri and its lifetime in seconds. Raises what client authentication and the authorize checks raise."""
    client = authenticate(kit, pool, given)
    if "request_uri" in given.form:
        raise InvalidRequest("request_uri cannot be pushed (RFC 9126 2.1)")
    params = {name: value for name, value in given.form.items() if name not in NOT_PUSHED} | {"client_id": client.id}
    try:
        read_request(kit, pool, trust(kit, pool, params), params)
    except BrokerError as refused:
        kit.audit("par.refused", "refused", refused.code, {"private": refused.private}, pool_id=pool.id, client_id=client.id)
        raise
    handle = kit.random.token(32)
    kit.transient.put("par", secret_hash(handle), json.dumps(params).encode(), kit.now() + timedelta(seconds=PAR_SECONDS))
    return PREFIX + handle, PAR_SECONDS


def pushed(kit: FlowKit, pool: UserPool, params: Mapping[str, str]) -> Mapping[str, str]:
    """What was pushed under the request_uri, once; the parameters themselves if there is none.

    Any other request_uri is refused unread: fetching one would be a request that an attacker aims (RFC 9101 10.4, P1.13).
    """
    request_uri = params.get("request_uri")
    if request_uri is None:
        return params
    if not request_uri.startswith(PREFIX) or len(request_uri) > 200:
        raise InvalidRequest("request_uri is not one of ours", code="request_uri_not_supported")
    taken = kit.transient.take("par", secret_hash(request_uri.removeprefix(PREFIX)), kit.now() + timedelta(seconds=PAR_SECONDS))
    if not isinstance(taken, Taken):
        raise InvalidRequest("request_uri is unknown, used or expired", code="invalid_request_uri")
    stored: dict[str, str] = json.loads(taken.value)
    if stored.get("client_id") != params.get("client_id"):
        raise InvalidRequest("request_uri was pushed by another client", code="invalid_request_uri")
    return stored
