"""grant_type=authorization_code (RFC 6749 4.1.3). A code is burned by its first use, right or wrong; a second use ends what it made."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from broker.errors import Conflict, InvalidGrant, InvalidRequest, UnauthorizedClient
from broker.flows.grants import tokens
from broker.flows.issue_code import codes, family_of
from broker.flows.kit import FlowKit
from broker.flows.logins import secret_hash
from broker.model.login import Code, RefreshFamily
from broker.model.settings import AppClient, UserPool
from broker.ports.transient import Absent, Burned
from broker.tokens.issue import TokenSet

# How long a used code itself is remembered: longer than a first use can still be under way. Afterwards its family is (see `family_of`).
REMEMBERED = timedelta(minutes=5)
VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}\Z")  # RFC 7636 4.1


def redeem_code(kit: FlowKit, pool: UserPool, client: AppClient, form: Mapping[str, str]) -> TokenSet:
    """Raises InvalidRequest, InvalidGrant or UnauthorizedClient; after InvalidGrant for a reused code its family is revoked."""
    secret = form.get("code")
    if not secret:
        raise InvalidRequest("code is missing")
    code = _take(kit, pool, client, secret)
    _check(client, code, form)
    now = kit.now()
    family = RefreshFamily(
        id=code.family,
        pool_id=pool.id,
        client_id=client.id,
        user_sub=code.user_sub,
        session_id=code.session_id,
        scopes=code.scopes,
        event_id=code.event_id,
        auth_time=code.auth_time,
        created_at=now,
        expires_at=code.session_began + timedelta(seconds=client.refresh_token_ttl),
        resource=code.resource,
        amr=code.amr,
        acr=code.acr,
        provider=code.provider,
    )
    refresh_token = kit.random.token(48)
    # Read, sign, write: no lock is held while a key signs or a hook runs, and a refused hook leaves nothing behind.
    with kit.store.unit() as unit:
        if unit.sessions.get(pool.id, code.session_id) is None:
            raise InvalidGrant("the session ended before the code was used", code="session_ended")
        ask = tokens.ask_for(kit, unit, pool, client, family)
    issued = kit.issuer.issue(replace(ask, nonce=code.nonce, refresh_token=refresh_token))
    try:
        with kit.store.unit() as unit:
            # Looked at again and held: a logout that revokes either came first, or waits and finds this family.
            if unit.sessions.join(pool.id, code.session_id, client.id) is None:
                raise InvalidGrant("the session ended while the code was used", code="session_ended")
            unit.refreshes.start(family, secret_hash(refresh_token))
    except Conflict as started:
        # The family is there already, so the code was honoured before, whatever became of the transient store's memory of it.
        _revoke(kit, pool, code)
        raise InvalidGrant("the code's family exists already", code="code_reused") from started
    if kit.transient.get("reused", code.family) is not None:
        _revoke(kit, pool, code)
        raise InvalidGrant("the code was used a second time meanwhile", code="code_reused")
    return tokens.told(kit, pool, client, family, "authorization_code", issued)


def _take(kit: FlowKit, pool: UserPool, client: AppClient, secret: str) -> Code:
    taken = kit.transient.take("code", secret_hash(secret), kit.now() + REMEMBERED)
    if isinstance(taken, Absent):
        _end_family(kit, pool, client, family_of(secret))
        raise InvalidGrant("no such code, or it has expired", code="code_unknown")
    code = codes.validate_json(taken.value)
    if isinstance(taken, Burned):
        # Marked first, revoked second: the first redeemer looks at the mark after it has written, so one of the two always sees the other.
        kit.transient.put("reused", code.family, b"1", kit.now() + REMEMBERED)
        _revoke(kit, pool, code)
        raise InvalidGrant("the code was used before", code="code_reused")
    if code.pool_id != pool.id or code.client_id != client.id:
        raise InvalidGrant(f"the code was issued to another client than {client.id}", code="code_of_other_client")
    return code


def _end_family(kit: FlowKit, pool: UserPool, client: AppClient, family: str) -> None:
    """A code that the transient store has forgotten: what it made lives in the durable store, and ends with this second use."""
    with kit.store.unit() as unit:
        if unit.refreshes.is_revoked(pool.id, family) or not unit.refreshes.revoke(pool.id, family=family):
            return
    kit.audit("code.reused", "refused", "code_reused", {"origin_jti": family}, pool_id=pool.id, client_id=client.id)
    raise InvalidGrant("the code was used before, and its family is revoked", code="code_reused")


def _revoke(kit: FlowKit, pool: UserPool, code: Code) -> None:
    with kit.store.unit() as unit:
        unit.refreshes.revoke(code.pool_id, family=code.family)
    kit.audit("code.reused", "refused", "code_reused", {"origin_jti": code.family}, pool_id=pool.id, client_id=code.client_id)


def _check(client: AppClient, code: Code, form: Mapping[str, str]) -> None:
    if "code" not in client.flows:
        raise UnauthorizedClient("the client may not use the code flow")
    if form.get("redirect_uri") != code.redirect_uri:
        # Spec B.4 names this error and description for it.
        raise UnauthorizedClient("redirect_uri differs from the authorization request", public="invalid_redirect", code="redirect_mismatch")
    verifier = form.get("code_verifier")
    if code.code_challenge is None:
        if verifier is not None:
            raise InvalidRequest("code_verifier without a code_challenge (PKCE downgrade, RFC 9700 4.8.2)")
        return
    if verifier is None or not VERIFIER.match(verifier):
        raise InvalidGrant("code_verifier is missing or malformed", code="pkce_mismatch")
    made = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    if not hmac.compare_digest(made, code.code_challenge):
        raise InvalidGrant("code_verifier does not match the code_challenge", code="pkce_mismatch")
