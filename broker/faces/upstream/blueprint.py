"""The routes that upstreams send browsers to, one table to read. GET at the ACS does not exist (SAML-H15)."""

from __future__ import annotations

from flask import Blueprint

from broker.faces.upstream import callback, logout, saml
from broker.web.methods import no_head

blueprint = Blueprint("upstream", __name__)
blueprint.add_url_rule("/oauth2/idpresponse", "callback", no_head(callback.callback), methods=["GET", "POST"])
blueprint.add_url_rule("/oauth2/idplogout/<provider>", "backchannel", logout.backchannel, methods=["POST"])
blueprint.add_url_rule("/saml2/idpresponse", "acs", saml.acs, methods=["POST"])
blueprint.add_url_rule("/saml2/logout", "slo", no_head(logout.saml_logout), methods=["GET", "POST"])
blueprint.add_url_rule("/saml2/metadata", "metadata", saml.metadata, methods=["GET"])
