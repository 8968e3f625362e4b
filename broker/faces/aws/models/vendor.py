"""Make the data files again from an installed botocore: `python -m broker.faces.aws.models.vendor`.

Descriptions, endpoints and everything else that only a client needs is left out; of IAM, the operations that we do not offer as well.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from broker.faces.aws.models import SERVICES

IAM_OPERATIONS = (
    *("CreateRole", "GetRole", "UpdateRole", "UpdateRoleDescription", "DeleteRole", "ListRoles", "UpdateAssumeRolePolicy"),
    *("PutRolePolicy", "GetRolePolicy", "DeleteRolePolicy", "ListRolePolicies"),
    *("AttachRolePolicy", "DetachRolePolicy", "ListAttachedRolePolicies", "TagRole", "UntagRole", "ListRoleTags"),
    *("CreatePolicy", "GetPolicy", "GetPolicyVersion", "ListPolicies", "DeletePolicy"),
    *("PutRolePermissionsBoundary", "DeleteRolePermissionsBoundary"),
    *("CreateOpenIDConnectProvider", "GetOpenIDConnectProvider", "ListOpenIDConnectProviders", "DeleteOpenIDConnectProvider"),
    *("AddClientIDToOpenIDConnectProvider", "RemoveClientIDFromOpenIDConnectProvider"),
    *("CreateSAMLProvider", "GetSAMLProvider", "UpdateSAMLProvider", "ListSAMLProviders", "DeleteSAMLProvider"),
)
SUBSETS = {"iam": IAM_OPERATIONS}

METADATA = ("apiVersion", "jsonVersion", "protocol", "serviceId", "targetPrefix", "xmlNamespace")
OPERATION = ("input", "output", "errors", "authtype")
SHAPE = (
    *("type", "required", "members", "member", "key", "value", "min", "max", "pattern", "enum", "sensitive"),
    *("flattened", "locationName", "error", "exception", "document", "timestampFormat"),
)
REFERENCE = ("shape", "locationName", "flattened", "timestampFormat", "resultWrapper")
PLACE = Path(__file__).parent


def trimmed(service: str, raw: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of a model."""
    wanted = SUBSETS.get(service, tuple(raw["operations"]))
    operations = {name: _operation(raw["operations"][name]) for name in sorted(wanted)}
    shapes: dict[str, Any] = {}
    for operation in operations.values():
        for reference in (operation.get("input"), operation.get("output"), *operation.get("errors", ())):
            if reference:
                _collect(raw["shapes"], reference["shape"], shapes)
    return {
        "metadata": _kept(raw["metadata"], METADATA),
        "operations": operations,
        "shapes": dict(sorted(shapes.items())),
    }


def _operation(raw: Mapping[str, Any]) -> dict[str, Any]:
    kept = _kept(raw, OPERATION)
    for side in ("input", "output"):
        if side in kept:
            kept[side] = _kept(kept[side], REFERENCE)
    return kept | {"errors": [_kept(error, REFERENCE) for error in raw.get("errors", ())]}


def _collect(raw: Mapping[str, Any], name: str, into: dict[str, Any]) -> None:
    if name in into:
        return
    shape = _kept(raw[name], SHAPE)
    into[name] = shape
    if "members" in shape:
        shape["members"] = {key: _kept(member, REFERENCE) for key, member in shape["members"].items()}
    for part in ("member", "key", "value"):
        if part in shape:
            shape[part] = _kept(shape[part], REFERENCE)
    for reference in (*shape.get("members", {}).values(), *(shape[part] for part in ("member", "key", "value") if part in shape)):
        _collect(raw, reference["shape"], into)


def _kept(raw: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: raw[name] for name in names if name in raw}


def text(model: Mapping[str, Any]) -> str:
    """A model as it is written: one operation or shape a line, so that a refresh can be read."""

    def lines() -> Iterator[str]:
        yield "{"
        yield f'"metadata": {json.dumps(model["metadata"])},'
        for section, end in (("operations", ","), ("shapes", "")):
            rows = [f"  {json.dumps(name)}: {json.dumps(row)}" for name, row in model[section].items()]
            yield f'"{section}": {{'
            yield ",\n".join(rows)
            yield "}" + end
        yield "}"

    return "\n".join(lines()) + "\n"


def vendored() -> Iterator[tuple[str, str]]:
    """Name and content of each file."""
    botocore = distribution("botocore")
    folder = Path(str(botocore.locate_file("botocore"))) / "data"
    for service in SERVICES:
        version = max(each.name for each in (folder / service).iterdir())
        packed = (folder / service / version / "service-2.json.gz").read_bytes()
        yield f"{service}.json", text(trimmed(service, json.loads(gzip.decompress(packed))))
    for name, source in (("LICENSE", "LICENSE.txt"), ("NOTICE", "NOTICE")):
        words = botocore.read_text(f"licenses/{source}") or botocore.read_text(source) or ""
        head = (
            f"The JSON files in this folder are cut from the service models of botocore {botocore.version}.\n\n" if name == "NOTICE" else ""
        )
        yield name, head + words


def main() -> None:
    """Write them."""
    for name, content in vendored():
        (PLACE / name).write_text(content, encoding="utf-8")


if __name__ == "__main__":
    main()
