"""The sample SAML 2.0 identity provider: single sign-on by Redirect and POST, signed assertions, single logout, metadata."""

from __future__ import annotations

import base64
import secrets
import zlib

from flask import Flask, Response, redirect, request, session
from lxml import etree
from werkzeug.wrappers import Response as WerkzeugResponse

from broker.demo import saml_message as s
from broker.demo.party import make_party, page
from broker.demo.people import PEOPLE, SigningKey, sign_in
from broker.demo.saml_peer import PeerError, ServiceProvider, fetch


class SamlIdp:
    """The provider's routes, and the requests that wait for somebody to sign in."""

    def __init__(self, base: str, sp_metadata_url: str, key: SigningKey) -> None:
        self.base = base
        self.entity_id = f"{base}/metadata"
        self._sp_metadata_url = sp_metadata_url
        self._key = key
        self._peer: ServiceProvider | None = None
        self._waiting: dict[str, tuple[str, str, str | None]] = {}

    def peer(self) -> ServiceProvider:
        """The service provider, read once, when it is first needed."""
        if self._peer is None:
            self._peer = fetch(self._sp_metadata_url)
        return self._peer

    def metadata(self) -> Response:
        """GET /metadata."""
        return Response(s.metadata(self.base, self._key), mimetype="application/samlmetadata+xml")

    def sso(self) -> str | WerkzeugResponse:
        """An AuthnRequest arrives."""
        root = self._read("AuthnRequest")
        acs = root.get("AssertionConsumerServiceURL") or self.peer().acs[0]
        if acs not in self.peer().acs:
            raise PeerError("The request wants its answer at an address that is not in the service provider's metadata.")
        ticket = secrets.token_urlsafe(16)
        self._waiting[ticket] = (str(root.get("ID")), acs, request.values.get("RelayState"))
        if session.get("name") in PEOPLE and root.get("ForceAuthn") not in {"true", "1"}:
            return self._answer(ticket)
        return page("sign_in.html", ticket=ticket, action="/sign-in", problem="")

    def sign_in(self) -> str | WerkzeugResponse:
        """The login form was sent."""
        ticket = request.form.get("ticket", "")
        if ticket not in self._waiting:
            raise PeerError("Nothing waits for this sign-in. Start again from the app.")
        person = sign_in(request.form.get("username", ""), request.form.get("password", ""))
        if person is None:
            return page("sign_in.html", ticket=ticket, action="/sign-in", problem="That name and password do not match.")
        session.clear()
        session.update(name=person.name, index=s.new_id())
        return self._answer(ticket)

    def _answer(self, ticket: str) -> str:
        request_id, acs, relay_state = self._waiting.pop(ticket)
        answer = s.Answer(self.entity_id, self.peer().entity_id, acs, request_id, PEOPLE[session["name"]], session["index"])
        fields = {"SAMLResponse": base64.b64encode(s.response(answer, self._key)).decode()}
        if relay_state is not None:
            fields["RelayState"] = relay_state
        return page("post.html", url=acs, fields=fields)

    def slo(self) -> str | WerkzeugResponse:
        """A LogoutRequest of the service provider, or its answer to ours."""
        if "SAMLResponse" in request.values:
            return page("said.html", words="You are signed out everywhere.")
        root = self._read("LogoutRequest")
        session.clear()
        destination = self.peer().slo
        if destination is None:
            return page("said.html", words="You are signed out.")
        message = s.logout_response(self.entity_id, destination, str(root.get("ID")))
        return redirect(s.redirect_url(destination, "SAMLResponse", message, request.values.get("RelayState"), self._key), 303)

    def sign_out(self) -> str | WerkzeugResponse:
        """Sign out here, and tell the service provider."""
        person, index = PEOPLE.get(session.get("name", "")), session.get("index", "")
        session.clear()
        destination = self.peer().slo
        if person is None or destination is None:
            return page("said.html", words="You are signed out.")
        message = s.logout_request(self.entity_id, destination, person, index)
        return redirect(s.redirect_url(destination, "SAMLRequest", message, None, self._key), 303)

    def home(self) -> str:
        """Who is signed in here."""
        return page("idp_home.html", person=PEOPLE.get(session.get("name", "")), people=PEOPLE.values())

    def _read(self, expected: str) -> etree._Element:
        """The message of this request, its signature checked."""
        encoded = request.values.get("SAMLRequest", "")
        try:
            root = s.parse(base64.b64decode(encoded) if request.method == "POST" else s.inflate(encoded))
        except (ValueError, etree.XMLSyntaxError, zlib.error) as failed:
            raise PeerError(f"The request cannot be read: {failed}") from failed
        if root.tag != f"{{{s.SAMLP}}}{expected}":
            raise PeerError(f"This is not a {expected}.")
        if request.method == "POST":
            self.peer().verify_element(root)
        else:
            self.peer().verify_query(request.query_string.decode())
        if root.findtext("saml:Issuer", namespaces=s.NS) != self.peer().entity_id:
            raise PeerError("The request comes from a service provider that is not known here.")
        return root


def make_saml_idp(base: str, sp_metadata_url: str, key: SigningKey) -> Flask:
    """The provider as a Flask app."""
    app = make_party("sample-saml-idp", "sample_saml_idp", "Sample SAML IdP")
    idp = SamlIdp(base, sp_metadata_url, key)
    app.add_url_rule("/", "home", idp.home)
    app.add_url_rule("/metadata", "metadata", idp.metadata)
    app.add_url_rule("/sso", "sso", idp.sso, methods=["GET", "POST"])
    app.add_url_rule("/sign-in", "sign_in", idp.sign_in, methods=["POST"])
    app.add_url_rule("/slo", "slo", idp.slo, methods=["GET", "POST"])
    app.add_url_rule("/sign-out", "sign_out", idp.sign_out, methods=["POST"])

    @app.errorhandler(PeerError)
    def refused(error: PeerError) -> tuple[str, int]:
        return page("said.html", words=str(error)), 400

    return app
