"""The vendored models are botocore's, and the tables of operations are the models'."""

from __future__ import annotations

import botocore
import pytest

from broker.faces.aws.catalog import Service, offered
from broker.faces.aws.models import SERVICES, load
from broker.faces.aws.models.vendor import IAM_OPERATIONS, PLACE, vendored
from broker.faces.aws.shapes.patterns import matcher

OFFERED = {service.name: service for service in offered()}


def test_the_data_files_are_what_the_script_makes() -> None:
    remedy = f"this is botocore {botocore.__version__}: run python -m broker.faces.aws.models.vendor, and look at what changed"
    assert f"botocore {botocore.__version__}." in (PLACE / "NOTICE").read_text(), remedy
    made = dict(vendored())
    assert set(made) == {*(f"{name}.json" for name in SERVICES), "LICENSE", "NOTICE"}
    assert not [name for name, content in made.items() if (PLACE / name).read_text(encoding="utf-8") != content]


def test_their_licence_lies_beside_them() -> None:
    assert "Apache License" in (PLACE / "LICENSE").read_text()
    assert "botocore" in (PLACE / "NOTICE").read_text()


@pytest.mark.parametrize("name", SERVICES)
def test_every_shape_that_is_named_is_there_and_no_description_is(name: str) -> None:
    model = load(name)
    named = [
        reference["shape"]
        for shape in model.shapes.values()
        for reference in (*shape.get("members", {}).values(), *(shape[part] for part in ("member", "key", "value") if part in shape))
    ]
    assert named
    assert set(named) <= set(model.shapes)
    assert not [name for name, shape in model.shapes.items() if "documentation" in shape]


def test_iam_is_cut_to_what_is_offered() -> None:
    assert set(load("iam").operations) == set(IAM_OPERATIONS)


@pytest.mark.parametrize("service", OFFERED.values(), ids=list(OFFERED))
def test_each_operation_of_the_model_is_in_the_table_or_refused_with_a_reason(service: Service) -> None:
    assert set(service.operations) | set(service.refused) == set(service.model.operations)
    assert not set(service.operations) & set(service.refused)
    assert all(service.refused.values())


@pytest.mark.parametrize("service", OFFERED.values(), ids=list(OFFERED))
def test_the_auth_column_agrees_with_the_model(service: Service) -> None:
    unsigned = {name for name, row in service.operations.items() if row.auth == "none"}
    assert unsigned == {name for name, operation in service.model.operations.items() if operation.unsigned and name in service.operations}
    assert all(row.auth in {"none", "sigv4"} for row in service.operations.values())
    # What is not judged on an ARN is judged by its flow, or open to every caller that there is.
    free = {name for name, row in service.operations.items() if row.auth == "sigv4" and row.resource is None}
    assert free == ({"AssumeRole", "GetCallerIdentity", "GetSessionToken"} if service.name == "sts" else set())


@pytest.mark.parametrize("name", SERVICES)
def test_every_pattern_can_be_read(name: str) -> None:
    patterns = {shape["pattern"] for shape in load(name).shapes.values() if "pattern" in shape}
    assert patterns
    for pattern in patterns:
        assert matcher(pattern)("a\0b") in {True, False}


def test_a_pattern_holds_for_the_whole_value_with_ascii_classes_and_unicode_properties() -> None:
    assert matcher(r"[\w-]+:[0-9a-f-]+")("eu-west-1:0ab")
    assert not matcher(r"[\w-]+:[0-9a-f-]+")("eu-west-1:0ab\n")
    assert not matcher(r"[\w-]+:[0-9a-f-]+")("é:0ab")
    assert matcher(r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*")("Ünïcode ٣")
    assert not matcher(r"[\p{L}\p{M}\p{S}\p{N}\p{P}\s]+")("a\u00a0b"), "a no-break space is no ASCII white space"
    assert matcher(r"[\u0020-\uD7FF\uE000-\uFFFD\u10000-\u10FFFF]+")("a\U0001f600")


def test_a_value_made_to_exploit_a_pattern_is_refused_in_time() -> None:
    slow = r"[\p{L}\p{M}\p{S}\p{N}\p{P}\s*]*\{##[\p{L}\p{M}\p{S}\p{N}\p{P}\s*]*##\}[\p{L}\p{M}\p{S}\p{N}\p{P}\s*]*"
    assert matcher(slow)("Hello {##click##} here")
    assert not matcher(slow)("{##" * 20_000)
    assert not matcher(r"[\w]+")("a" * 200_000)
