"""The services offered: each with its model, its checks, and its table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from broker.faces.aws.models import OperationModel, ServiceModel, load
from broker.faces.aws.operations import iam, identity, sts
from broker.faces.aws.operations.row import Operation
from broker.faces.aws.shapes.output import JsonShaper, XmlWriter
from broker.faces.aws.shapes.validate import Validator


@dataclass(frozen=True, slots=True)
class Service:
    """`refused` are operations of the model that are not offered, with the reason."""

    model: ServiceModel
    operations: Mapping[str, Operation]
    refused: Mapping[str, str]
    inputs: Validator
    json: JsonShaper
    xml: XmlWriter

    @property
    def name(self) -> str:
        """As signatures and actions name it."""
        return self.model.name


@dataclass(frozen=True, slots=True)
class Asked:
    """The operation that a call is for."""

    service: Service
    row: Operation

    @property
    def model(self) -> OperationModel:
        """The operation's own model."""
        return self.service.model.operations[self.row.name]

    @property
    def action(self) -> str:
        """As policies name it."""
        return f"{self.service.name}:{self.row.name}"


def service(name: str, operations: Iterable[Operation], refused: Mapping[str, str]) -> Service:
    """A service from its model and its table."""
    model = load(name)
    return Service(
        model,
        {row.name: row for row in operations},
        refused,
        Validator(model.shapes),
        JsonShaper(model.shapes),
        XmlWriter(model.shapes),
    )


def offered() -> tuple[Service, ...]:
    """Every service of this face."""
    return (
        service("cognito-identity", identity.OPERATIONS, {}),
        service("sts", sts.OPERATIONS, sts.REFUSED),
        service("iam", iam.OPERATIONS, {}),
    )
