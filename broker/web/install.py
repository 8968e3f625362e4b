"""Everything that an app of ours needs before its first face is mounted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask

from broker.web import context, errors, headers, static
from broker.web.params import MAX_BODY

if TYPE_CHECKING:
    from broker.services import Services


def install(app: Flask, services: Services) -> None:
    """Put services, request ids, headers, static files and error pages into `app`. Wrap its `wsgi_app` in `Tenancy` besides."""
    app.extensions[context.EXTENSION] = services
    # Werkzeug does not bound urlencoded forms by itself. The ACS raises this for its own requests (params.MAX_ACS_BODY).
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    app.config["MAX_FORM_PARTS"] = 100
    app.config["PROPAGATE_EXCEPTIONS"] = False
    # Routing would send `/oauth2//token` on to its one spelling by 308, body and all (row OA-P1.24): it is a 404 like any other.
    app.url_map.merge_slashes = False
    context.install(app)
    headers.install(app)
    static.install(app)
    errors.install(app)
