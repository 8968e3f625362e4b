"""The query protocol: an Action with flattened parameters, as a form or in the URL; XML comes back (spec E.4)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from broker.api_errors import ValidationFailed
from broker.errors import BrokerError
from broker.faces.aws.catalog import Asked, Service
from broker.faces.aws.errors import wire
from broker.faces.aws.models import RawShape
from broker.faces.aws.refusals import UnknownOperation, Unreadable
from broker.faces.aws.request import Reply, WireRequest
from broker.faces.aws.shapes.output import xml_text

CONTENT_TYPE = "text/xml"
DEEPEST = 12
MOST_MEMBERS = 200


class Node(dict[str, "Node"]):
    """A parameter's name, cut at its dots: what stands under it, and its own value."""

    value: str | None = None


class Query:
    """The services that speak it, by their API versions."""

    def __init__(self, services: Sequence[Service]) -> None:
        self._services = {service.model.version: service for service in services if not service.model.target_prefix}

    def read(self, request: WireRequest) -> Asked:
        """Raises UnknownOperation, or Unreadable."""
        given = request.parameters()
        action, version = given.get("Action", ""), given.get("Version", "")
        service = self.service(version)
        if service is None or action not in service.operations:
            why = service.refused.get(action) if service else None
            words = (
                f"{action[:128]} is not offered here: {why}"
                if why
                else f"Could not find operation {action[:128]} for version {version[:32]}"
            )
            raise UnknownOperation(words, public=words)
        return Asked(service, service.operations[action])

    def service(self, version: str) -> Service | None:
        """The service of an API version."""
        return self._services.get(version)

    def values(self, asked: Asked, request: WireRequest) -> dict[str, Any]:
        """The checked members. Raises Unreadable, or ValidationFailed."""
        if asked.model.input is None:
            return {}
        raw = _structure(asked.service.model.shapes, asked.service.model.shapes[asked.model.input], _tree(request.parameters()))
        return asked.service.inputs.validated(asked.model.input, raw)

    def write(self, asked: Asked, output: Mapping[str, Any] | None, request_id: str) -> Reply:
        """200, and the modelled members in their wrapper."""
        model, name = asked.model, asked.row.name
        result = ""
        if model.output and model.result_wrapper:
            inner = asked.service.xml.written(model.output, output or {})
            result = f"<{model.result_wrapper}>{inner}</{model.result_wrapper}>"
        metadata = f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>"
        xml = f'<{name}Response xmlns="{asked.service.model.namespace}">{result}{metadata}</{name}Response>'
        return _reply(200, xml, request_id)

    def refuse(self, error: BrokerError, request_id: str, service: Service | None = None) -> Reply:
        """An ErrorResponse: Sender for what the caller did, Receiver for what we did."""
        row = wire(error)
        side = "Receiver" if row.query_status >= 500 else "Sender"
        namespace = f' xmlns="{service.model.namespace}"' if service else ""
        told = f"<Type>{side}</Type><Code>{row.query}</Code><Message>{xml_text(error.public)}</Message>"
        xml = f"<ErrorResponse{namespace}><Error>{told}</Error><RequestId>{request_id}</RequestId></ErrorResponse>"
        return _reply(row.query_status, xml, request_id)


def _reply(status: int, xml: str, request_id: str) -> Reply:
    return Reply(status, CONTENT_TYPE, xml.encode(), {"x-amzn-RequestId": request_id})


def _tree(parameters: Mapping[str, str]) -> Node:
    root = Node()
    for name, value in parameters.items():
        node = root
        steps = name.split(".", DEEPEST)
        if len(steps) > DEEPEST:
            raise Unreadable("a parameter is nested too deeply")
        for step in steps:
            node = node.setdefault(step, Node())
        node.value = value
    return root


# --- from parameters to what the model's checks take ----------------------------------------------------------------------------------


def _read(shapes: Mapping[str, RawShape], shape: RawShape, node: Node, path: str) -> Any:
    kind = shape["type"]
    if kind == "structure":
        return _structure(shapes, shape, node, path)
    if kind == "list":
        inner, step = shapes[shape["member"]["shape"]], shape["member"].get("locationName", "member")
        items = node if shape.get("flattened") else node.get(step, Node())
        return [_read(shapes, inner, items[key], f"{path}.{key}") for key in _numbers(items, path)]
    if kind == "map":
        return _map(shapes, shape, node, path)
    if node.value is None:
        raise Unreadable(f"{path} has no value")
    return SCALARS.get(kind, _same)(node.value, path)


def _structure(shapes: Mapping[str, RawShape], shape: RawShape, node: Node, path: str = "") -> dict[str, Any]:
    found = {}
    for name, reference in shape["members"].items():
        step = reference.get("locationName", name)
        if step in node:
            found[name] = _read(shapes, shapes[reference["shape"]], node[step], f"{path}.{name}" if path else name)
    return found


def _map(shapes: Mapping[str, RawShape], shape: RawShape, node: Node, path: str) -> dict[str, Any]:
    key, value = shape["key"], shape["value"]
    entries = node if shape.get("flattened") else node.get("entry", Node())
    found = {}
    for number in _numbers(entries, path):
        entry = entries[number]
        name = _read(shapes, shapes[key["shape"]], entry.get(key.get("locationName", "key"), Node()), path)
        found[name] = _read(shapes, shapes[value["shape"]], entry.get(value.get("locationName", "value"), Node()), path)
    return found


def _numbers(items: Node, path: str) -> list[str]:
    """The numbers of a list's members, in their order; they need not begin with 1."""
    if len(items) > MOST_MEMBERS or not all(key.isascii() and key.isdigit() and len(key) < 6 for key in items):
        raise Unreadable(f"{path[:200]}: members are numbered, and at most {MOST_MEMBERS}")
    return sorted(items, key=int)


def _integer(text: str, path: str) -> int:
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 19):
        raise ValidationFailed(f"{path} is no number", public=f"Invalid integer value for {path}.")
    return int(text)


def _boolean(text: str, path: str) -> bool:
    if text.lower() not in {"true", "false"}:
        raise ValidationFailed(f"{path} is no boolean", public=f"Invalid boolean value for {path}.")
    return text.lower() == "true"


def _same(text: str, path: str) -> str:
    return text


SCALARS: dict[str, Callable[[str, str], Any]] = {"integer": _integer, "long": _integer, "boolean": _boolean}
