"""The routes of identity pools' issuers. They lie at the public root: an identity pool is in no user pool."""

from __future__ import annotations

import json
from typing import Any

from flask import Blueprint, Response

from broker.errors import NotFound
from broker.web.context import pool_or_none, services

blueprint = Blueprint("identity", __name__, url_prefix="/identity/<uuid>/.well-known")
SECONDS = 300


@blueprint.before_request
def at_the_root_alone() -> None:
    """An issuer has one address: not below a user pool, and not on its host."""
    if pool_or_none() is not None:
        raise NotFound("an identity pool's issuer below a user pool")


@blueprint.get("/openid-configuration")
def configuration(uuid: str) -> Response:
    """The discovery document."""
    return _public(services().access.identity_configuration(uuid))


@blueprint.get("/jwks_uri")
@blueprint.get("/jwks.json")
def jwks(uuid: str) -> Response:
    """The keys, under AWS's name for the place and under the usual one."""
    return _public(services().access.identity_jwks(uuid))


def _public(document: dict[str, Any]) -> Response:
    response = Response(json.dumps(document), content_type="application/json")
    response.headers["Cache-Control"] = f"public, max-age={SECONDS}"
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response
