"""pysaml2 (with xmlsec1) and python3-saml, reading `signed.xml` in a folder. Runs in the peers' environment, told what to do on stdin.

usage: saml_libraries.py FOLDER; then a line `NAME CALLS`, answered with the microseconds of CPU a call, children included.
"""

from __future__ import annotations

import base64
import logging
import resource
import shutil
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

warnings.simplefilter("ignore")
from onelogin.saml2.auth import OneLogin_Saml2_Auth  # noqa: E402
from onelogin.saml2.settings import OneLogin_Saml2_Settings  # noqa: E402
from saml2 import BINDING_HTTP_POST  # noqa: E402
from saml2.client import Saml2Client  # noqa: E402
from saml2.config import SPConfig  # noqa: E402

SP, ACS = "https://sp.example.org/sp", "https://sp.example.org/acs"
IDP, SSO = "https://idp.example.org/idp", "https://idp.example.org/sso"


def pysaml2(folder: Path, message: str, request_id: str) -> Callable[[], None]:
    """A Saml2Client as its documentation sets one up."""
    endpoints = {"assertion_consumer_service": [(ACS, BINDING_HTTP_POST)]}
    sp = {"endpoints": endpoints, "allow_unsolicited": True, "want_assertions_signed": True, "want_response_signed": False}
    pair = {"key_file": str(folder / "sp.key"), "cert_file": str(folder / "sp.crt")}
    config = SPConfig().load(
        {
            "entityid": SP,
            **pair,
            "encryption_keypairs": [pair],
            "xmlsec_binary": shutil.which("xmlsec1"),
            "metadata": {"local": [str(folder / "idp.xml")]},
            "service": {"sp": sp},
        }
    )
    client = Saml2Client(config=config)

    def read() -> None:
        reply = client.parse_authn_request_response(message, BINDING_HTTP_POST, outstanding={request_id: "/"})
        assert len(reply.ava) == 12, reply.ava

    return read


def python3_saml(folder: Path, message: str, request_id: str) -> Callable[[], None]:
    """OneLogin_Saml2_Auth in strict mode, its settings read once."""

    def bare(name: str) -> str:
        return "".join(line for line in (folder / name).read_text().splitlines() if "---" not in line)

    acs = {"url": ACS, "binding": BINDING_HTTP_POST}
    sso = {"url": SSO, "binding": "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"}
    settings = OneLogin_Saml2_Settings(
        {
            "strict": True,
            "sp": {"entityId": SP, "assertionConsumerService": acs, "x509cert": bare("sp.crt"), "privateKey": bare("sp.key")},
            "idp": {"entityId": IDP, "singleSignOnService": sso, "x509cert": bare("idp.crt")},
            "security": {"wantAssertionsSigned": True},
        }
    )
    request = {"https": "on", "http_host": "sp.example.org", "script_name": "/acs", "get_data": {}, "post_data": {"SAMLResponse": message}}

    def read() -> None:
        auth = OneLogin_Saml2_Auth(request, old_settings=settings)
        auth.process_response(request_id=request_id)
        assert auth.is_authenticated(), auth.get_last_error_reason()
        assert len(auth.get_attributes()) == 12

    return read


def cpu() -> float:
    """Seconds of this process and its children."""
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in usage)


def main() -> None:
    """Answer until stdin ends."""
    logging.disable(logging.CRITICAL)
    folder = Path(sys.argv[1])
    message = base64.b64encode((folder / "signed.xml").read_bytes()).decode()
    request_id = (folder / "request.id").read_text()
    readers = {name: make(folder, message, request_id) for name, make in {"pysaml2": pysaml2, "python3-saml": python3_saml}.items()}
    for line in sys.stdin:
        name, calls = line.split()
        started = cpu()
        for _ in range(int(calls)):
            readers[name]()
        print((cpu() - started) / int(calls) * 1e6, flush=True)


if __name__ == "__main__":
    main()
