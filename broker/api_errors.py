"""Refusals of the AWS APIs (spec parts D, E.4 and F). The faces that speak them have the table from class to wire name; a hosted page never
shows one."""

from __future__ import annotations

from broker.errors import BrokerError


class ApiError(BrokerError):
    """Any of them. `public` is the message on the wire: one of AWS's own sentences where spec D.9 has one."""

    code = "api_error"


class NotAuthorized(ApiError):
    """Proof, identity or role was refused (NotAuthorizedException). `public` carries one of the sentences of spec D.9."""

    code = "not_authorized"
    public = "Access is not authorized."


class ResourceNotFound(ApiError):
    """No such identity pool, identity or tagged resource (ResourceNotFoundException)."""

    code = "resource_not_found"
    public = "The resource was not found."


class ResourceConflict(ApiError):
    """A login belongs to another identity, or two things asked for exclude one another (ResourceConflictException)."""

    code = "resource_conflict"
    public = "Login already linked to another identity."


class InvalidParameter(ApiError):
    """A member is missing, malformed or not allowed here (InvalidParameterException)."""

    code = "invalid_parameter"
    public = "A parameter is missing or malformed."


class InvalidPoolConfiguration(ApiError):
    """The identity pool's role is unset, gone, or does not trust this sign-in (InvalidIdentityPoolConfigurationException, spec D.7)."""

    code = "invalid_pool_configuration"
    public = "Invalid identity pool configuration. Check assigned IAM roles for this pool."


class DeveloperUserRegistered(ApiError):
    """The developer's user belongs to another identity (DeveloperUserAlreadyRegisteredException)."""

    code = "developer_user_registered"
    public = "The developer user identifier is already registered with another identity."


class ExternalService(ApiError):
    """A provider, or the external STS, could not be asked (ExternalServiceException)."""

    code = "external_service"
    public = "The identity provider could not be reached. Please try again."


class LimitExceeded(ApiError):
    """More of something than may be (LimitExceededException)."""

    code = "limit_exceeded"
    public = "A limit would be exceeded."


class ConcurrentModification(ApiError):
    """The record changed meanwhile, again and again (ConcurrentModificationException)."""

    code = "concurrent_modification"
    public = "The resource was changed at the same time. Please try again."


class NotAllowed(ApiError):
    """The caller's policies, or a role's trust, do not allow it (AccessDenied). The reason is for the operator's log."""

    code = "not_allowed"
    public = "Access denied."


class InvalidIdentityToken(ApiError):
    """A web identity token or assertion is malformed, unsigned, or not for us (InvalidIdentityToken, spec E.4)."""

    code = "invalid_identity_token"
    public = "The web identity token that was passed could not be validated."


class ExpiredIdentityToken(ApiError):
    """A web identity token or assertion, or a session token, has ended (ExpiredTokenException)."""

    code = "expired_token"
    public = "The token has expired."


class RejectedClaim(ApiError):
    """The identity provider says the claim is not valid (IDPRejectedClaim)."""

    code = "rejected_claim"
    public = "The identity provider rejected the claim."


class IdpCommunication(ApiError):
    """The identity provider's keys could not be read; asking again may help (IDPCommunicationError)."""

    code = "idp_communication"
    public = "The identity provider could not be reached."


class MissingAuthentication(ApiError):
    """A call that must be signed carries no signature (MissingAuthenticationTokenException, spec E.1)."""

    code = "missing_authentication"
    public = "Missing Authentication Token"


class IncompleteSignature(ApiError):
    """The authorization is malformed, lacks a part, or can be read in two ways (IncompleteSignatureException)."""

    code = "incomplete_signature"
    public = "The request signature is incomplete or malformed."


class SignatureMismatch(ApiError):
    """The signature, its scope or the hash of the body is wrong, or the access key is unknown: on purpose one error
    (InvalidSignatureException, SignatureDoesNotMatch)."""

    code = "signature_mismatch"
    public = (
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing "
        "method. Consult the service documentation for details."
    )


class SignatureExpired(ApiError):
    """The request was signed too long ago, or its clock is ahead of ours. `public` says the times (InvalidSignatureException)."""

    code = "signature_expired"
    public = "Signature expired"


class ValidationFailed(ApiError):
    """A parameter breaks a constraint (ValidationError of the query protocol)."""

    code = "validation_failed"
    public = "A parameter is missing or malformed."


class PackedPolicyTooLarge(ApiError):
    """Session policies and tags together are larger than a session may carry (PackedPolicyTooLarge)."""

    code = "packed_policy_too_large"
    public = "The session policies and tags are too large together."


class NoSuchEntity(ApiError):
    """No such role, policy or provider (NoSuchEntity)."""

    code = "no_such_entity"
    public = "The entity cannot be found."


class EntityExists(ApiError):
    """A role, policy or provider of that name exists (EntityAlreadyExists)."""

    code = "entity_exists"
    public = "The entity already exists."


class DeleteConflict(ApiError):
    """What should go is still in use (DeleteConflict)."""

    code = "delete_conflict"
    public = "The entity is still in use."


class Unmodifiable(ApiError):
    """A role, policy or provider that the configuration file declares: the file alone may change it (UnmodifiableEntity)."""

    code = "unmodifiable_entity"
    public = "The entity is declared in the configuration file, which alone may change it."


class InvalidSessionToken(ApiError):
    """The session token is not ours, not of this key, or missing (UnrecognizedClientException, InvalidClientTokenId)."""

    code = "invalid_session_token"
    public = "The security token included in the request is invalid."
