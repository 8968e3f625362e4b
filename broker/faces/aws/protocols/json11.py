"""JSON 1.1: the operation is in X-Amz-Target, members in a JSON object, an error's name in its body and in a header (spec E.1)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from broker.errors import BrokerError
from broker.faces.aws.catalog import Asked, Service
from broker.faces.aws.errors import wire
from broker.faces.aws.refusals import UnknownOperation, Unreadable
from broker.faces.aws.request import JSON_TYPES, MAX_BODY, Reply, WireRequest

CONTENT_TYPE = "application/x-amz-json-1.1"
NOT_IN_HEADER = re.compile(r"[^\x20-\x7e]")
LONGEST_HEADER = 1024


class Json11:
    """The services that speak it, by their targets."""

    def __init__(self, services: Sequence[Service]) -> None:
        self._services = {service.model.target_prefix: service for service in services if service.model.target_prefix}

    def read(self, request: WireRequest) -> Asked:
        """Raises UnknownOperation."""
        prefix, _, name = request.header("x-amz-target").rpartition(".")
        service = self._services.get(prefix)
        row = service.operations.get(name) if service else None
        if request.method != "POST" or service is None or row is None:
            raise UnknownOperation(f"target {request.header('x-amz-target')[:200]!r}")
        return Asked(service, row)

    def values(self, asked: Asked, request: WireRequest) -> dict[str, Any]:
        """The checked members. Raises Unreadable, or ValidationFailed."""
        if request.media_type not in JSON_TYPES:
            # A foreign page can send text/plain without asking first, but nothing else that would be read here.
            raise Unreadable(f"content type {request.media_type[:80]!r}")
        return asked.service.inputs.validated(asked.model.input, _object(request.body))

    def write(self, asked: Asked, output: Mapping[str, Any] | None, request_id: str) -> Reply:
        """200, and the modelled members."""
        return _reply(200, asked.service.json.shaped(asked.model.output, output or {}), request_id)

    def refuse(self, error: BrokerError, request_id: str, service: Service | None = None) -> Reply:
        """The exception of an error, its public words, and where clients look for them."""
        row = wire(error)
        headers = {"x-amzn-ErrorType": row.json, "x-amzn-ErrorMessage": NOT_IN_HEADER.sub("?", error.public)[:LONGEST_HEADER]}
        return _reply(row.json_status, {"__type": row.json, "message": error.public}, request_id, headers)


def _reply(status: int, body: Mapping[str, Any], request_id: str, headers: Mapping[str, str] | None = None) -> Reply:
    return Reply(status, CONTENT_TYPE, json.dumps(body).encode(), {"x-amzn-RequestId": request_id, **(headers or {})})


def _object(body: bytes) -> dict[str, Any]:
    if len(body) > MAX_BODY:
        raise Unreadable(f"{len(body)} bytes")
    try:
        found = json.loads(body.decode() or "{}", object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Unreadable("not a JSON document") from None
    if not isinstance(found, dict):
        raise Unreadable("not a JSON object")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        # The signature covers both; who reads the other one acts on something else.
        raise ValueError("a member came twice")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
