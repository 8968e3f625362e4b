"""Who holds an access key: the operator, or a session of our own STS. Nothing here asks the database (attack IP-S4.7)."""

from __future__ import annotations

from datetime import datetime

from broker.api_errors import ExpiredIdentityToken, InvalidSessionToken
from broker.flows.access_kit import AccessKit
from broker.identitypool.issuers.mint import TEMPORARY
from broker.identitypool.policy import arns
from broker.identitypool.roles import role_of
from broker.model.sts import Caller, StsSession


def caller_of(kit: AccessKit, access_key_id: str, session_token: str | None) -> tuple[Caller, str] | None:
    """The caller and the secret that his signature must be made with; None for an access key that nobody has.

    Nothing of the request is verified yet. Raises InvalidSessionToken for a token that is missing, not ours, of another key, or given for a
    key that has none, or whose role or admin key is gone; ExpiredIdentityToken once the session has ended or was revoked.
    """
    secret = kit.admin_keys.get(access_key_id)
    if secret is not None:
        if session_token is not None:
            raise InvalidSessionToken("a session token with a permanent access key")
        return admin(kit, access_key_id), secret
    if session_token is not None:
        return _of_session(kit, access_key_id, session_token)
    if access_key_id.startswith(TEMPORARY):
        raise InvalidSessionToken("a session's access key without its token")
    return None


def admin(kit: AccessKit, access_key_id: str, session: StsSession | None = None) -> Caller:
    """The operator: the root of the account, as policies name him."""
    return Caller("admin", root_arn(kit), kit.account.id, access_key_id, session)


def root_arn(kit: AccessKit) -> str:
    """The ARN of the account's root."""
    return f"arn:{kit.account.partition}:iam::{kit.account.id}:root"


def check_session(kit: AccessKit, session: StsSession) -> None:
    """That a session still holds: not ended, not revoked, and what it was made from is still there.

    Raises ExpiredIdentityToken, which makes a client ask for new credentials, or InvalidSessionToken.
    """
    now = kit.base.now()
    if session.expires_at <= now:
        raise ExpiredIdentityToken(
            f"the session ended at {session.expires_at}", public="The security token included in the request is expired"
        )
    if session.role_arn == root_arn(kit):
        if session.session_name not in kit.admin_keys:
            raise InvalidSessionToken("the admin key that the session was made with is gone")
        _check_revoked(kit, session, None)
        return
    role = role_of(kit.base.settings, kit.account.id, session.role_arn)
    if role is None or role.id != session.role_id:
        # A role made anew under the old name is another role (AWS: its id tells them apart).
        raise InvalidSessionToken(f"role {session.role_arn} {session.role_id} is gone or disabled")
    _check_revoked(kit, session, role.valid_after)


def _of_session(kit: AccessKit, access_key_id: str, token: str) -> tuple[Caller, str]:
    session, secret = kit.tokens.open(token)
    if session.access_key_id != access_key_id:
        raise InvalidSessionToken("a session token of another access key")
    check_session(kit, session)
    if session.role_arn == root_arn(kit):
        return admin(kit, access_key_id, session), secret
    role = arns.parse_role(session.role_arn)
    caller = Caller("session", str(role.session(session.session_name)), f"{session.role_id}:{session.session_name}", access_key_id, session)
    return caller, secret


def _check_revoked(kit: AccessKit, session: StsSession, valid_after: datetime | None) -> None:
    revoked = [valid_after] if valid_after is not None else []
    revoked += [found.before for subject in subjects(session) if (found := kit.base.settings.revocation(subject)) is not None]
    if any(session.issued_at < moment for moment in revoked):
        raise ExpiredIdentityToken("the session was revoked", public="The security token included in the request is expired")


def subjects(session: StsSession) -> tuple[str, ...]:
    """By which names a session may be revoked."""
    identity = (f"identity:{session.identity_id}",) if session.identity_id else ()
    return ("account", f"principal:{session.role_arn}/{session.session_name}", *identity)
