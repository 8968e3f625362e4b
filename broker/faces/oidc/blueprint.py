"""The routes of the OpenID provider, one table to read."""

from __future__ import annotations

from flask import Blueprint

from broker.faces.oidc import authorize, discovery, endpoints, userinfo
from broker.faces.oidc.wire import install
from broker.web.methods import no_head

blueprint = Blueprint("oidc", __name__)
install(blueprint)

blueprint.add_url_rule("/.well-known/openid-configuration", "configuration", discovery.configuration, methods=["GET"])
blueprint.add_url_rule("/.well-known/oauth-authorization-server", "server_metadata", discovery.configuration, methods=["GET"])
blueprint.add_url_rule("/.well-known/jwks.json", "jwks", discovery.jwks, methods=["GET"])
blueprint.add_url_rule("/oauth2/authorize", "authorize", no_head(authorize.authorize), methods=["GET"])
# Flask would answer OPTIONS by itself, without the headers that a script of another origin must see before it may call.
blueprint.add_url_rule("/oauth2/token", "token", endpoints.token, methods=["POST"], provide_automatic_options=False)
blueprint.add_url_rule("/oauth2/par", "par", endpoints.par, methods=["POST"])
blueprint.add_url_rule("/oauth2/revoke", "revoke", endpoints.revoke, methods=["POST"], provide_automatic_options=False)
blueprint.add_url_rule("/oauth2/introspect", "introspect", endpoints.introspect, methods=["POST"])
blueprint.add_url_rule("/oauth2/userInfo", "userinfo", userinfo.userinfo, methods=["GET", "POST"], provide_automatic_options=False)
for path in ("/oauth2/token", "/oauth2/revoke", "/oauth2/userInfo"):
    blueprint.add_url_rule(path, f"preflight{path}", endpoints.preflight, methods=["OPTIONS"])
