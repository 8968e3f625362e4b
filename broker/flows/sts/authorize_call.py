"""May this caller do this? The answer for our own APIs and for every service behind `/authorize` (spec F.4, F.5)."""

from __future__ import annotations

from collections.abc import Mapping

from broker.errors import MalformedPolicy
from broker.flows.access_kit import AccessKit
from broker.flows.sts.callers import check_session, root_arn
from broker.identitypool.assume import moment_keys, pool_aliases
from broker.identitypool.policy.context import ContextKeys, Principal, RequestContext
from broker.identitypool.policy.document import compiled
from broker.identitypool.policy.evaluate import Decision, Named, Policies, judge
from broker.identitypool.policy.glob import fold
from broker.identitypool.roles import policy_of
from broker.model.iam import Role
from broker.model.sts import Caller, ContextValue, StsSession

ALLOW_ALL = '{"Version":"2012-10-17","Statement":[{"Sid":"Operator","Effect":"Allow","Action":"*","Resource":"*"}]}'
# What the operator's own temporary credentials may not do (API GetSessionToken): make or change credentials that outlive them.
SESSION_LIMITS = (
    '{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":["iam:*","sts:GetSessionToken","sts:GetFederationToken",'
    '"sts:GetWebIdentityToken","sts:GetDelegatedAccessToken","sts:AssumeRoot"],"Resource":"*"}}'
)
_SESSION_SIZE = 10_240
"""Characters of a session policy in a token. What a caller may pass is shorter; the scope-down of guests is the identity pool's own."""
_OURS = (
    "aws:principal",
    "aws:userid",
    "aws:username",
    "aws:federatedprovider",
    "aws:sourceidentity",
    "aws:token",
    "aws:currenttime",
    "aws:epochtime",
    "sts:",
)
"""Keys that follow from the credentials and the clock. A face's or a proxy's word for them counts for nothing."""


def authorize_call(kit: AccessKit, caller: Caller, action: str, resource: str, keys: Mapping[str, ContextValue] | None = None) -> Decision:
    """Judge one call. `keys` are what the face knows of the request (`aws:SourceIp`, tags of the resource, ...).

    A no is no error. Raises ExpiredIdentityToken and InvalidSessionToken as `check_session` does, and InvalidRequest if two spellings of
    one key among `keys` have different values.
    """
    if caller.session is not None:
        check_session(kit, caller.session)
    context = RequestContext(action, resource, principal_of(kit, caller), caller_keys(kit, caller, keys or {}))
    try:
        return judge(context, policies_of(kit, caller))
    except MalformedPolicy as malformed:
        # What cannot be read, or is gone, may hold a Deny.
        return Decision("explicit_deny", "identity", context, policy=malformed.private)


def principal_of(kit: AccessKit, caller: Caller) -> Principal:
    """The caller as policies name him."""
    if caller.kind == "admin" or caller.session is None:
        return Principal.user(caller.arn, kit.account.id)
    return Principal.session(caller.session.role_arn, caller.session.session_name)


def policies_of(kit: AccessKit, caller: Caller) -> Policies:
    """Everything that says what the caller may do. Raises MalformedPolicy, also for a policy that is gone."""
    if caller.kind == "admin":
        limits = (("temporary credentials", compiled(SESSION_LIMITS, "identity")),) if caller.session is not None else ()
        return Policies(identity=(("operator", compiled(ALLOW_ALL, "identity")), *limits))
    session = caller.session
    role = kit.base.settings.role(session.role_arn.rpartition("/")[2]) if session is not None else None
    if session is None or role is None:
        return Policies()
    own = [(name, compiled(text, "identity")) for name, text in role.policies.items()]
    return Policies(
        identity=(*own, *(_managed(kit, arn) for arn in role.managed)),
        session=_session_policies(kit, session),
        boundary=_managed(kit, role.boundary) if role.boundary is not None else None,
    )


def _session_policies(kit: AccessKit, session: StsSession) -> tuple[Named, ...] | None:
    inline = [
        (f"session policy {number}", compiled(text, "session", _SESSION_SIZE))
        for number, text in enumerate(session.session_policies, start=1)
    ]
    return (*inline, *(_managed(kit, arn) for arn in session.policy_arns)) or None


def _managed(kit: AccessKit, arn: str) -> Named:
    policy = policy_of(kit.base.settings, kit.account.id, arn)
    if policy is None:
        # It may have held a Deny, so its absence must not widen anything.
        raise MalformedPolicy(f"managed policy {arn} is gone")
    return arn, compiled(policy.document, "managed")


def caller_keys(kit: AccessKit, caller: Caller, around: Mapping[str, ContextValue]) -> ContextKeys:
    """The context keys of a call: what the request brings, and what follows from the credentials, which nothing overrides (spec F.4)."""
    keys: dict[str, ContextValue] = {name: value for name, value in around.items() if not fold(name).startswith(_OURS)}
    keys |= moment_keys(kit.base.now())
    keys |= {"aws:PrincipalAccount": kit.account.id, "aws:userid": caller.user_id, "aws:PrincipalIsAWSService": "false"}
    session = caller.session
    if session is not None:
        keys["aws:TokenIssueTime"] = session.issued_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    if caller.kind == "admin" or session is None:
        return ContextKeys({**keys, "aws:PrincipalArn": root_arn(kit), "aws:PrincipalType": "Account"})
    federated = {fold(name): value for name, value in session.federated.items()}
    keys = {name: value for name, value in keys.items() if fold(name) not in federated} | federated
    keys |= {"aws:PrincipalArn": session.role_arn, "aws:PrincipalType": "AssumedRole"}
    if session.provider is not None:
        keys["aws:FederatedProvider"] = session.provider
    if session.source_identity is not None:
        keys["aws:SourceIdentity"] = session.source_identity
    role = kit.base.settings.role(session.role_arn.rpartition("/")[2])
    keys |= {f"aws:PrincipalTag/{name}": value for name, value in principal_tags(role, session).items()}
    aliases = pool_aliases(kit.identity_base, session.identity_pool_id) if session.identity_pool_id else {}
    return ContextKeys(keys, aliases)


def principal_tags(role: Role | None, session: StsSession) -> dict[str, str]:
    """A session's tags, over those of its role: a key of the same letters in any case is the same key (spec D.10)."""
    passed = {fold(name) for name in session.tags}
    return {name: value for name, value in (role.tags if role is not None else {}).items() if fold(name) not in passed} | dict(session.tags)
