"""The public service descriptions that botocore ships, cut to what a server needs. `vendor` made the data files beside this one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

RawShape = Mapping[str, Any]
SERVICES = ("cognito-identity", "sts", "iam", "cognito-idp")


@dataclass(frozen=True, slots=True)
class OperationModel:
    """One operation of a service. `input` and `output` are names of shapes; `unsigned`: the model says `authtype: none`."""

    name: str
    input: str | None
    output: str | None
    result_wrapper: str | None
    errors: tuple[str, ...]
    unsigned: bool


@dataclass(frozen=True, slots=True)
class ServiceModel:
    """A service: the name that signatures carry, its API version, and for JSON what X-Amz-Target begins with, for XML its namespace."""

    name: str
    version: str
    target_prefix: str
    namespace: str
    operations: Mapping[str, OperationModel]
    shapes: Mapping[str, RawShape]


@cache
def load(name: str) -> ServiceModel:
    """The model of one of SERVICES, read once."""
    raw = json.loads(files(__name__).joinpath(f"{name}.json").read_text(encoding="utf-8"))
    metadata = raw["metadata"]
    return ServiceModel(
        name,
        metadata["apiVersion"],
        metadata.get("targetPrefix", ""),
        metadata.get("xmlNamespace", ""),
        {key: _operation(key, operation) for key, operation in raw["operations"].items()},
        raw["shapes"],
    )


def _operation(name: str, raw: Mapping[str, Any]) -> OperationModel:
    output = raw.get("output", {})
    return OperationModel(
        name,
        raw.get("input", {}).get("shape"),
        output.get("shape"),
        output.get("resultWrapper"),
        tuple(error["shape"] for error in raw.get("errors", ())),
        raw.get("authtype") == "none",
    )
