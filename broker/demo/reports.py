"""The guarded API: a service that knows no users. It asks the broker about each request, as nginx does with `auth_request`."""

from __future__ import annotations

import requests
from flask import Flask, Response, jsonify, request

from broker.demo.party import make_party

# What the guard says itself, and what a client says of itself in the guard's words. The rest may be signed.
NOT_PASSED = ("content-length", "connection", "x-forwarded-", "x-original-")
REPORTS = {
    "marketing": "The campaign of spring reached 12,000 people.",
    "sales": "The third quarter closed 4 % above plan.",
}


def make_reports(authorize_url: str) -> Flask:
    """The API as a Flask app; `authorize_url` is the broker's `/authorize`."""
    app = make_party("reports", "reports", "Reports")
    guard = requests.Session()

    @app.get("/reports/<department>")
    def report(department: str) -> Response | tuple[Response, int]:
        """A report, if whoever signed the request may read it."""
        told = {name: value for name, value in request.headers.items() if not name.lower().startswith(NOT_PASSED)}
        told |= {"X-Original-Method": request.method, "X-Original-URI": str(request.environ["RAW_URI"])}
        told |= {"X-Forwarded-For": request.remote_addr or "", "X-Forwarded-Proto": request.scheme}
        answer = guard.get(authorize_url, headers=told, timeout=10)
        if answer.status_code != 200:
            return jsonify(answer.json()), answer.status_code
        reader = {"principal": answer.headers["X-Crossgate-Principal"], "tags": answer.headers.get("X-Crossgate-Tags", "")}
        return jsonify({"department": department, "report": REPORTS.get(department, ""), "reader": reader})

    return app
