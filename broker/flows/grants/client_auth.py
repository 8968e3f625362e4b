"""Client authentication (RFC 6749 2.3, RFC 7523 3). One way at a time, the way the client is registered for, and one error for all."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from broker.errors import InvalidClient, InvalidRequest
from broker.flows.kit import FlowKit
from broker.model.settings import AppClient, UserPool

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_ALGS = ["RS256", "PS256", "ES256", "EdDSA", "Ed25519"]
ASSERTION_SECONDS = 600  # an assertion that lives longer is a password


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the request carried. `basic` is the decoded Authorization header's pair, percent-decoded (RFC 6749 2.3.1)."""

    form: Mapping[str, str] = field(repr=False)
    basic: tuple[str, str] | None = field(default=None, repr=False)
    address: str = ""


def authenticate(kit: FlowKit, pool: UserPool, given: Credentials) -> AppClient:
    """The client, proved. Raises InvalidClient, or InvalidRequest when nothing or two things were sent (P2.9)."""
    form = given.form
    assertion = form.get("client_assertion")
    ways = [given.basic is not None, "client_secret" in form, assertion is not None]
    if sum(ways) > 1:
        raise InvalidRequest("more than one way of client authentication")
    client_id = _client_id(given, assertion)
    kit.rates.check("token", given.address)
    kit.rates.check("token_client", f"{pool.id}/{client_id}")
    client = kit.settings.client(pool.id, client_id)
    try:
        return _prove(kit, pool, client, given, assertion)
    except InvalidClient as failed:
        known = {"client_id": client.id} if client is not None else {}
        # A name that nobody has is the sender's own words: kept apart from what we know, and not at any length.
        detail = {"private": failed.private} | ({} if known else {"claimed": client_id[:200]})
        kit.audit("client.refused", "refused", failed.code, detail, pool_id=pool.id, address=given.address, **known)
        raise


def _client_id(given: Credentials, assertion: str | None) -> str:
    named = given.form.get("client_id")
    if given.basic is not None:
        if named is not None and named != given.basic[0]:
            raise InvalidRequest("client_id differs from the Authorization header")
        return given.basic[0]
    if named is None and assertion is not None:
        named = str(_unverified_claims(assertion).get("sub", ""))
    if not named:
        raise InvalidRequest("client_id is missing")
    return named


def _prove(kit: FlowKit, pool: UserPool, client: AppClient | None, given: Credentials, assertion: str | None) -> AppClient:
    secret = given.basic[1] if given.basic is not None else given.form.get("client_secret")
    expected = client.secrets.get("client_secret", "") if client is not None else ""
    # The compare runs for unknown clients too, so that time does not tell them apart (P2.18).
    same = hmac.compare_digest((secret or "").encode(), (expected or "no such client").encode())
    if client is None or not client.enabled:
        raise InvalidClient("unknown or disabled client")
    if client.token_auth == "private_key_jwt":  # noqa: S105 -- the method's name
        if assertion is None or given.form.get("client_assertion_type") != ASSERTION_TYPE:
            raise InvalidClient(f"client {client.id} must authenticate by private_key_jwt")
        _check_assertion(kit, pool, client, assertion)
        return client
    if client.token_auth == "none":  # noqa: S105 -- the method's name
        if secret is not None or assertion is not None:
            raise InvalidClient(f"client {client.id} is public and must not authenticate")
        return client
    if not expected or not same:
        raise InvalidClient(f"wrong or missing secret of client {client.id}")
    return client


def _check_assertion(kit: FlowKit, pool: UserPool, client: AppClient, assertion: str) -> None:
    """RFC 7523 3 as rfc7523bis tightens it: the audience is our issuer, alone and as a string; iss and sub are the client; jti once."""
    try:
        claims = json.loads(jws.deserialize_compact(assertion, _keys(kit, client, assertion), algorithms=ASSERTION_ALGS).payload)
    except (JoseError, ValueError, TypeError, KeyError, RecursionError) as failed:
        raise InvalidClient(f"client_assertion of {client.id} does not verify: {type(failed).__name__}") from failed
    problem = _assertion_problem(kit, pool, client, claims)
    if problem:
        raise InvalidClient(f"client_assertion of {client.id}: {problem}")
    key = f"{pool.id}/{client.id}/{claims['jti']}"
    if not kit.transient.burn("assertion", key, datetime.fromtimestamp(claims["exp"], UTC) + timedelta(seconds=60)):
        raise InvalidClient(f"client_assertion of {client.id} was used before")


def _keys(kit: FlowKit, client: AppClient, assertion: str) -> KeySet:
    """The client's keys that may have signed this: for signatures, of the header's algorithm and kid, and not past their own `exp`."""
    header = jws.extract_compact(assertion.encode()).headers()
    now = kit.now().timestamp()
    fit = [
        key for key in (client.jwks or {}).get("keys", [])
        if key.get("use", "sig") == "sig" and key.get("alg", header.get("alg")) == header.get("alg")
        and ("kid" not in header or key.get("kid", header["kid"]) == header["kid"]) and now < key.get("exp", now + 1)
    ]  # fmt: skip
    return KeySet.import_key_set({"keys": fit})


def _assertion_problem(kit: FlowKit, pool: UserPool, client: AppClient, claims: Any) -> str | None:
    if not isinstance(claims, dict):
        return "payload is no object"
    now = kit.now().timestamp()
    exp, iat, nbf, jti = _time(claims.get("exp")), _time(claims.get("iat", now)), _time(claims.get("nbf", now)), claims.get("jti")
    checks = (
        (claims.get("iss") == client.id and claims.get("sub") == client.id, "iss and sub must both be the client_id"),
        (claims.get("aud") == kit.addresses.issuer(pool), "aud must be the issuer, as a single string"),
        (exp is not None and now < exp <= now + ASSERTION_SECONDS, "exp must lie within the next ten minutes"),
        (iat is not None and iat <= now + 60, "iat lies in the future"),
        (nbf is not None and nbf <= now + 60, "nbf lies in the future"),
        (isinstance(jti, str) and 0 < len(jti) <= 200, "jti is missing or too long"),
    )
    return next((text for good, text in checks if not good), None)


def _time(value: object) -> float | None:
    """A NumericDate that a calendar can hold; None for anything else (strings, booleans, infinities)."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 2**40 else None


def _unverified_claims(assertion: str) -> dict[str, Any]:
    """Only to look the client up: nothing of this is believed before the signature is."""
    try:
        claims = json.loads(jws.extract_compact(assertion.encode()).payload)
    except (JoseError, ValueError, TypeError, RecursionError):
        raise InvalidRequest("client_assertion is not a signed JWT") from None
    return claims if isinstance(claims, dict) else {}
