"""Who am I, credentials of the operator's own, and whose key is this (API `GetCallerIdentity`, `GetSessionToken`, `GetAccessKeyInfo`)."""

from __future__ import annotations

import re
from datetime import timedelta

from broker.api_errors import NotAllowed, ValidationFailed
from broker.flows.access_kit import AccessKit
from broker.flows.sts.asks import CallerIdentity
from broker.flows.sts.callers import check_session, root_arn
from broker.identitypool.issuers.mint import mint
from broker.model.sts import Caller, Credentials, StsSession

_KEY_ID = re.compile(r"(?:AKIA|ASIA)[A-Z2-7]{12,124}", re.ASCII)
MIN_SECONDS, MAX_SECONDS, DEFAULT_SECONDS = 900, 129_600, 43_200


def get_caller_identity(kit: AccessKit, caller: Caller) -> CallerIdentity:
    """Always allowed, even where a policy denies it (spec E.4); not after the session has ended. Raises ExpiredIdentityToken."""
    if caller.session is not None:
        check_session(kit, caller.session)
    return CallerIdentity(kit.account.id, caller.arn, caller.user_id)


def get_session_token(kit: AccessKit, caller: Caller, duration: int | None = None) -> Credentials:
    """Temporary credentials of the operator: they end with the admin key that they were made with. Raises NotAllowed, ValidationFailed."""
    if caller.kind != "admin" or caller.session is not None:
        raise NotAllowed(f"{caller.arn} asks for a session token", public="Cannot call GetSessionToken with session credentials")
    seconds = DEFAULT_SECONDS if duration is None else duration
    if not MIN_SECONDS <= seconds <= MAX_SECONDS:
        words = f"1 validation error detected: Value at 'durationSeconds' must be between {MIN_SECONDS} and {MAX_SECONDS}"
        raise ValidationFailed(words, public=words)
    now = kit.base.now()
    # The name of the session is the key it was made with: see callers.check_session.
    session = StsSession("", root_arn(kit), kit.account.id, caller.access_key_id, now, now + timedelta(seconds=seconds))
    credentials = mint(kit.tokens, kit.base.random, session)
    detail = {"action": "sts:GetSessionToken", "who": caller.access_key_id, "access_key": credentials.access_key_id}
    kit.base.audit("credentials.issued", "ok", "", detail)
    return credentials


def get_access_key_info(kit: AccessKit, access_key_id: str) -> str:
    """The account of a key. There is one here, and a key that looks like one is not told apart from one that exists.

    Raises ValidationFailed.
    """
    if access_key_id not in kit.admin_keys and not _KEY_ID.fullmatch(access_key_id):
        raise ValidationFailed("not an access key id", public="Invalid access key id")
    return kit.account.id
