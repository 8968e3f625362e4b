"""STS, from wire to flows and back (API `sts` 2011-06-15, spec E.4)."""

from __future__ import annotations

from typing import Any

from broker.faces.aws.operations.row import Call, Operation, anything
from broker.flows.sts import assume_role as assuming
from broker.flows.sts import identity as own
from broker.flows.sts import saml, web_identity
from broker.flows.sts.asks import Assumed, AssumeRoleAsk, SamlAsk, WebIdentityAsk
from broker.model.sts import Credentials


def _credentials(given: Credentials) -> dict[str, Any]:
    return {
        "AccessKeyId": given.access_key_id,
        "SecretAccessKey": given.secret_access_key,
        "SessionToken": given.session_token,
        "Expiration": given.expires_at,
    }


def _assumed(found: Assumed) -> dict[str, Any]:
    return {
        "Credentials": _credentials(found.credentials),
        "AssumedRoleUser": {"AssumedRoleId": found.assumed_role_id, "Arn": found.arn},
        "PackedPolicySize": found.packed_policy_size,
        "SourceIdentity": found.source_identity,
    }


def _arns(call: Call) -> tuple[str, ...]:
    return tuple(each["arn"] for each in call.get("PolicyArns", ()) if "arn" in each)


def assume_role(call: Call) -> dict[str, Any]:
    """AssumeRole."""
    ask = AssumeRoleAsk(
        call.values["RoleArn"],
        call.values["RoleSessionName"],
        duration=call.get("DurationSeconds"),
        policy=call.get("Policy"),
        policy_arns=_arns(call),
        tags=tuple((tag["Key"], tag["Value"]) for tag in call.get("Tags", ())),
        transitive_keys=tuple(call.get("TransitiveTagKeys", ())),
        source_identity=call.get("SourceIdentity"),
        external_id=call.get("ExternalId"),
        around=call.around,
    )
    return _assumed(call.change(assuming.assume_role, ask))


def assume_role_with_web_identity(call: Call) -> dict[str, Any]:
    """AssumeRoleWithWebIdentity."""
    ask = WebIdentityAsk(
        call.values["RoleArn"],
        call.values["RoleSessionName"],
        call.values["WebIdentityToken"],
        provider_id=call.get("ProviderId"),
        duration=call.get("DurationSeconds"),
        policy=call.get("Policy"),
        policy_arns=_arns(call),
        around=call.around,
    )
    found = call.run(web_identity.assume_role_with_web_identity, ask)
    return _assumed(found.assumed) | {"SubjectFromWebIdentityToken": found.subject, "Provider": found.provider, "Audience": found.audience}


def assume_role_with_saml(call: Call) -> dict[str, Any]:
    """AssumeRoleWithSAML."""
    ask = SamlAsk(
        call.values["RoleArn"],
        call.values["PrincipalArn"],
        call.values["SAMLAssertion"],
        duration=call.get("DurationSeconds"),
        policy=call.get("Policy"),
        policy_arns=_arns(call),
        around=call.around,
    )
    found = call.run(saml.assume_role_with_saml, ask)
    told = {"Subject": found.subject, "SubjectType": found.subject_type, "Issuer": found.issuer, "Audience": found.audience}
    return _assumed(found.assumed) | told | {"NameQualifier": found.name_qualifier}


def get_caller_identity(call: Call) -> dict[str, Any]:
    """GetCallerIdentity."""
    found = call.change(own.get_caller_identity)
    return {"UserId": found.user_id, "Account": found.account, "Arn": found.arn}


def get_session_token(call: Call) -> dict[str, Any]:
    """GetSessionToken."""
    return {"Credentials": _credentials(call.change(own.get_session_token, call.get("DurationSeconds")))}


def get_access_key_info(call: Call) -> dict[str, Any]:
    """GetAccessKeyInfo."""
    return {"Account": call.run(own.get_access_key_info, call.values["AccessKeyId"])}


OPERATIONS = (
    # Whether the caller may is for the role's trust policy and his own together (spec F.6): the flow judges.
    Operation("AssumeRole", "sigv4", assume_role, unlike="no MFA devices, no provided contexts"),
    Operation("AssumeRoleWithSAML", "none", assume_role_with_saml),
    Operation("AssumeRoleWithWebIdentity", "none", assume_role_with_web_identity),
    Operation("GetAccessKeyInfo", "sigv4", get_access_key_info, anything),
    # Always permitted, even against an explicit deny (spec E.4).
    Operation("GetCallerIdentity", "sigv4", get_caller_identity),
    # Nothing is needed but a permanent key; the flow sees to that.
    Operation("GetSessionToken", "sigv4", get_session_token, unlike="no MFA devices"),
)

REFUSED = {
    "AssumeRoot": "there is one account and no organization around it",
    "DecodeAuthorizationMessage": "refusals here carry no encoded message",
    "GetDelegatedAccessToken": "nothing is delegated by AWS here",
    "GetFederationToken": "use AssumeRole with a session policy",
    "GetScopedCredentials": "credentials are narrowed by a session policy when they are made",
    "GetWebIdentityToken": "identity pools issue the tokens that other parties trust",
}
