"""Refusals that only this wire has: what was asked cannot be read, or is nothing that we offer (spec E.1)."""

from __future__ import annotations

from broker.api_errors import ApiError


class UnknownOperation(ApiError):
    """No such operation, or none that is offered here (UnknownOperationException, InvalidAction)."""

    code = "unknown_operation"
    public = "The operation is not known."


class Unreadable(ApiError):
    """The body cannot be read, or a member is of another type (SerializationException, MalformedInput)."""

    code = "unreadable"
    public = "The request body could not be read."


class SessionEnded(ApiError):
    """The signature is right, but the credentials' session is over (ExpiredTokenException, ExpiredToken)."""

    code = "session_ended"
    public = "The security token included in the request is expired"
