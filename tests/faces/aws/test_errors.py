"""Every refusal has its name on both wires, and the names are those that clients know."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import botocore.session
import pytest

from broker import api_errors, errors
from broker.errors import BrokerError
from broker.faces.aws import refusals
from broker.faces.aws.errors import INTERNAL, WIRE, rows, wire
from broker.faces.aws.protocols.json11 import Json11
from broker.faces.aws.protocols.query import Query

# Errors of sign-ins: no operation here raises one, and if it did, that would be a fault.
OF_SIGN_INS = {
    errors.UntrustedRedirect, errors.UnauthorizedClient, errors.InvalidClient, errors.InvalidGrant, errors.UnsupportedGrantType,
    errors.UnsupportedResponseType, errors.UnsupportedTokenType, errors.InvalidScope, errors.InvalidTarget, errors.LoginRequired,
    errors.ConsentRequired, errors.AccessDenied, errors.InvalidToken, errors.InsufficientScope, errors.LoginExpired,
    errors.FederationFailed, errors.AttributeInvalid, errors.UserDisabled, errors.LinkRefused, errors.HookRefused,
}  # fmt: skip


def leaves(kind: type[BrokerError]) -> Iterator[type[BrokerError]]:
    below = kind.__subclasses__()
    if not below:
        yield kind
    for each in below:
        yield from leaves(each)


def test_the_table_covers_every_leaf_class() -> None:
    ours = [each for each in leaves(BrokerError) if each.__module__ in {"broker.api_errors", "broker.errors", refusals.__name__}]
    assert len(ours) > 40
    assert not [each for each in ours if each not in WIRE and each not in OF_SIGN_INS]
    assert not OF_SIGN_INS & set(WIRE)


def test_every_class_deeper_in_a_room_has_a_row_of_its_own_family() -> None:
    deeper = [each for each in leaves(api_errors.ApiError) if each not in WIRE and each.__module__ != "broker.faces.aws.blueprint"]
    assert not [each for each in deeper if wire(each()) is INTERNAL]


def test_a_fault_of_ours_says_nothing() -> None:
    assert wire(errors.FederationFailed(reason="x")) is INTERNAL
    assert INTERNAL.json_status == INTERNAL.query_status == 500


def test_names_of_json_are_those_of_the_model_or_of_every_service() -> None:
    model = botocore.session.Session().get_service_model("cognito-identity")
    modelled = {shape.name for shape in model.error_shapes}
    common = {
        "AccessDeniedException", "ExpiredTokenException", "IncompleteSignatureException", "InvalidSignatureException",
        "MissingAuthenticationTokenException", "SerializationException", "UnknownOperationException", "UnrecognizedClientException",
    }  # fmt: skip
    assert {row.json for row in WIRE.values()} == modelled | common


def test_names_and_statuses_of_the_query_protocol_are_the_models_where_they_have_them() -> None:
    session = botocore.session.Session()
    modelled = {}
    for service in ("sts", "iam"):
        for shape in session.get_service_model(service).error_shapes:
            if "error" in shape.metadata:
                modelled[shape.metadata["error"]["code"]] = shape.metadata["error"]["httpStatusCode"]
    ours = {row.query: row.query_status for row in WIRE.values()}
    wrong = {code: status for code, status in ours.items() if code in modelled and modelled[code] != status}
    assert not wrong
    assert len(set(ours) & set(modelled)) > 10


@pytest.mark.parametrize("kind", sorted(WIRE, key=lambda kind: kind.__name__))
def test_only_public_words_reach_either_wire(kind: type[BrokerError]) -> None:
    error = kind("s3cret reason")
    for reply in (Json11(()).refuse(error, "id-1"), Query(()).refuse(error, "id-1")):
        assert b"s3cret" not in reply.body
        assert "s3cret" not in str(reply.headers)
        assert b"id-1" in reply.body or reply.headers["x-amzn-RequestId"] == "id-1"
        assert reply.status >= 400


def test_the_reference_lists_every_name() -> None:
    page = (Path(__file__).parents[3] / "docs" / "reference" / "errors.md").read_text(encoding="utf-8")
    assert "\n".join(rows()) in page, "run: python -m broker.faces.aws.errors, and put its lines into docs/reference/errors.md"


def test_statuses_of_json_are_400_unless_the_request_never_reached_a_service_or_the_fault_is_ours() -> None:
    others = {row.json_status for kind, row in WIRE.items() if kind.__module__ in {"broker.api_errors", refusals.__name__}}
    assert others == {400}
    assert wire(errors.Unavailable()).json_status == 503
    assert wire(errors.RateLimited()).json == "TooManyRequestsException"
