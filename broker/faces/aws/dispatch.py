"""How every call travels: found in a table, proved if it must be, checked, judged, handled, shaped. Nothing here knows an operation."""

from __future__ import annotations

from broker.errors import BrokerError
from broker.faces.aws import auth
from broker.faces.aws.catalog import Service, offered
from broker.faces.aws.operations.row import Call
from broker.faces.aws.protocols.json11 import Json11
from broker.faces.aws.protocols.query import Query
from broker.faces.aws.request import FORM_TYPE, Reply, WireRequest
from broker.flows.access_kit import AccessKit


class Dispatcher:
    """Answers calls of the services offered. Holds nothing that changes, so that threads may share it."""

    def __init__(self, services: tuple[Service, ...] | None = None) -> None:
        services = services or offered()
        self._json = Json11(services)
        self._query = Query(services)

    def answer(self, kit: AccessKit, request: WireRequest) -> Reply:
        """The answer to a call. Raises BrokerErrors, for which `refuse` has the words."""
        protocol = self._protocol(request)
        asked = protocol.read(request)
        signed = asked.row.auth == "sigv4"
        caller = auth.signer(kit, asked.service, request) if signed else None
        if not signed:
            # Proofs cost signatures to check, and guests are made for the asking.
            kit.base.rates.check("identity", request.address)
        call = Call(kit, protocol.values(asked, request), caller, request.around)
        if signed:
            auth.judge(asked, call)
        return protocol.write(asked, asked.row.handler(call), request.request_id)

    def refuse(self, error: BrokerError, request: WireRequest) -> Reply:
        """An error, in the protocol of the call."""
        return self._protocol(request).refuse(error, request.request_id, self._query_service(request))

    def open_to_scripts(self, request: WireRequest) -> bool:
        """Whether a page of any origin may read the answer: only for what needs no signature (spec E.1)."""
        try:
            return self._json.read(request).row.auth != "sigv4"
        except BrokerError:
            return False

    def _protocol(self, request: WireRequest) -> Json11 | Query:
        if request.method == "GET" or (request.media_type == FORM_TYPE and not request.header("x-amz-target")):
            return self._query
        return self._json

    def _query_service(self, request: WireRequest) -> Service | None:
        try:
            return self._query.service(request.parameters().get("Version", ""))
        except BrokerError:
            return None
