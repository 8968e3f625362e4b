"""One table from error class to what it is called on each wire (spec D.9, E.1, E.4). A test holds that it covers every leaf class."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass

from broker import api_errors, errors
from broker.errors import BrokerError
from broker.faces.aws import refusals


@dataclass(frozen=True, slots=True)
class Wire:
    """`json`: the exception of JSON 1.1, 400 unless it is our fault. `query`: the code of the query protocol, with its own status."""

    json: str
    query: str
    query_status: int = 400
    json_status: int = 400


INTERNAL = Wire("InternalErrorException", "InternalFailure", 500, 500)
DENIED = Wire("NotAuthorizedException", "AccessDenied", 403)
INVALID = Wire("InvalidParameterException", "ValidationError")
MISSING = Wire("ResourceNotFoundException", "NoSuchEntity", 404)
UNREADABLE = Wire("SerializationException", "MalformedInput")

WIRE: dict[type[BrokerError], Wire] = {
    # The flows' own.
    api_errors.NotAuthorized: DENIED,
    api_errors.ResourceNotFound: MISSING,
    api_errors.ResourceConflict: Wire("ResourceConflictException", "EntityAlreadyExists", 409),
    api_errors.InvalidParameter: Wire("InvalidParameterException", "InvalidInput"),
    api_errors.InvalidPoolConfiguration: Wire("InvalidIdentityPoolConfigurationException", "AccessDenied", 403),
    api_errors.DeveloperUserRegistered: Wire("DeveloperUserAlreadyRegisteredException", "EntityAlreadyExists", 409),
    api_errors.ExternalService: Wire("ExternalServiceException", "IDPCommunicationError"),
    api_errors.LimitExceeded: Wire("LimitExceededException", "LimitExceeded", 409),
    api_errors.ConcurrentModification: Wire("ConcurrentModificationException", "ConcurrentModification", 409),
    api_errors.NotAllowed: Wire("AccessDeniedException", "AccessDenied", 403),
    api_errors.InvalidIdentityToken: Wire("NotAuthorizedException", "InvalidIdentityToken"),
    api_errors.ExpiredIdentityToken: Wire("NotAuthorizedException", "ExpiredTokenException"),
    api_errors.RejectedClaim: Wire("NotAuthorizedException", "IDPRejectedClaim", 403),
    api_errors.IdpCommunication: Wire("ExternalServiceException", "IDPCommunicationError"),
    api_errors.ValidationFailed: INVALID,
    api_errors.PackedPolicyTooLarge: Wire("InvalidParameterException", "PackedPolicyTooLarge"),
    api_errors.NoSuchEntity: MISSING,
    api_errors.EntityExists: Wire("ResourceConflictException", "EntityAlreadyExists", 409),
    api_errors.DeleteConflict: Wire("ResourceConflictException", "DeleteConflict", 409),
    api_errors.Unmodifiable: Wire("NotAuthorizedException", "UnmodifiableEntity"),
    errors.MalformedPolicy: Wire("InvalidParameterException", "MalformedPolicyDocument"),
    # Who signed.
    api_errors.MissingAuthentication: Wire("MissingAuthenticationTokenException", "MissingAuthenticationToken", 403),
    api_errors.IncompleteSignature: Wire("IncompleteSignatureException", "IncompleteSignature"),
    api_errors.SignatureMismatch: Wire("InvalidSignatureException", "SignatureDoesNotMatch", 403),
    api_errors.SignatureExpired: Wire("InvalidSignatureException", "SignatureDoesNotMatch", 403),
    api_errors.InvalidSessionToken: Wire("UnrecognizedClientException", "InvalidClientTokenId", 403),
    refusals.SessionEnded: Wire("ExpiredTokenException", "ExpiredToken", 403),
    # What was asked.
    refusals.UnknownOperation: Wire("UnknownOperationException", "InvalidAction"),
    refusals.Unreadable: UNREADABLE,
    errors.PayloadTooLarge: Wire("SerializationException", "MalformedInput", 413, 413),
    errors.InvalidRequest: UNREADABLE,
    errors.NotFound: Wire("UnknownOperationException", "InvalidAction", 404, 404),
    errors.UnknownHost: Wire("UnknownOperationException", "InvalidAction", 421, 421),
    # The house's.
    errors.Conflict: Wire("ConcurrentModificationException", "ConcurrentModification", 409),
    errors.RateLimited: Wire("TooManyRequestsException", "Throttling"),
    errors.Unavailable: Wire("InternalErrorException", "ServiceUnavailable", 503, 503),
    errors.ConfigError: INTERNAL,
}
"""Errors of sign-ins, which no operation here raises, are not in it: they would be a fault of ours, and are answered as one."""


def wire(error: BrokerError) -> Wire:
    """The row of an error's class, or of the nearest class above it."""
    return next((WIRE[kind] for kind in type(error).__mro__ if kind in WIRE), INTERNAL)


def rows() -> Iterator[str]:
    """The table for docs/reference/errors.md, which a test holds to it: `python -m broker.faces.aws.errors`."""
    for kind, row in sorted(WIRE.items(), key=lambda item: item[0].code):
        yield f"| `{kind.code}` | `{row.json}` {row.json_status} | `{row.query}` {row.query_status} |"


if __name__ == "__main__":
    sys.stdout.write("\n".join(rows()) + "\n")
