"""The discovery document (OpenID Connect Discovery 1.0, RFC 8414, spec 0) and the JWK set."""

from __future__ import annotations

import json
from typing import Any

from flask import Response

from broker.flows.grants.client_auth import ASSERTION_ALGS
from broker.flows.grants.exchange import GRANTS
from broker.web.context import pool, services


def configuration() -> Response:
    """What the pool's endpoints are and can do. The endpoints lie on the pool's own domain if it has one; the issuer never does."""
    use, here = services(), pool()
    issuer, base = use.issuer(here), use.canonical_base(here)
    auth = ["client_secret_basic", "client_secret_post", "private_key_jwt"]
    document: dict[str, Any] = {
        "issuer": issuer,
        "jwks_uri": f"{base}/.well-known/jwks.json",
        "authorization_endpoint": f"{base}/oauth2/authorize",
        "token_endpoint": f"{base}/oauth2/token",
        "userinfo_endpoint": f"{base}/oauth2/userInfo",
        "revocation_endpoint": f"{base}/oauth2/revoke",
        "introspection_endpoint": f"{base}/oauth2/introspect",
        "pushed_authorization_request_endpoint": f"{base}/oauth2/par",
        "end_session_endpoint": f"{base}/logout",
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": list(GRANTS),
        "subject_types_supported": ["public"],
        "scopes_supported": ["openid", "email", "phone", "profile"],
        "id_token_signing_alg_values_supported": ["RS256", "ES256", "EdDSA"],
        "token_endpoint_auth_methods_supported": [*auth, "none"],
        "token_endpoint_auth_signing_alg_values_supported": ASSERTION_ALGS[:4],
        "revocation_endpoint_auth_methods_supported": [*auth, "none"],
        "introspection_endpoint_auth_methods_supported": auth,
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": ["none", "login", "select_account", "consent"],
        "claims_supported": ["sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "at_hash", "sid", "email", "email_verified", "name"],
        "ui_locales_supported": ["en", "de"],
        "authorization_response_iss_parameter_supported": True,
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "require_request_uri_registration": False,
    }
    return _public(document, 300)


def jwks() -> Response:
    """Current, next and retired public keys. Kept for five minutes, so that a revoked key is gone soon."""
    return _public(services().jwks(pool()), 300)


def _public(document: dict[str, Any], seconds: int) -> Response:
    response = Response(json.dumps(document), content_type="application/json")
    response.headers["Cache-Control"] = f"public, max-age={seconds}"
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response
