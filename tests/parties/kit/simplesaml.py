"""SimpleSAMLphp as a SAML identity provider, in PHP's own web server."""

from __future__ import annotations

import json
import os
import re
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

import requests

from tests.fakes.saml_keys import certify, private_key
from tests.parties.kit import people
from tests.parties.kit.places import PARTIES, discard, free_port, scratch
from tests.parties.kit.process import Process, answers

WEB = Path("/usr/share/simplesamlphp/www")


class SimpleSaml:
    """An identity provider that knows alice and bob, and every service provider that a test registers."""

    def __init__(self) -> None:
        self.directory = scratch("simplesamlphp")
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.entity_id = f"{self.url}/saml2/idp/metadata.php"
        for name in ("cert", "data", "tmp", "sessions", "sp"):
            (self.directory / name).mkdir()
        (self.directory / "users.json").write_text(json.dumps(people.as_saml()))
        self._make_key("current")
        # The opcode cache would hide a changed file for two seconds.
        settings = ["-d", "opcache.enable=0", "-d", f"session.save_path={self.directory}/sessions"]
        self.process = Process(
            "simplesamlphp",
            ["php", *settings, "-S", f"127.0.0.1:{self.port}", "-t", str(WEB)],
            env={
                "SIMPLESAMLPHP_CONFIG_DIR": str(PARTIES / "ssp" / "config"),
                "SSP_DIR": str(self.directory),
                "SSP_PORT": str(self.port),
                "PHP_CLI_SERVER_WORKERS": "3",
            },
        )
        self.process.wait(answers(self.entity_id))

    def metadata(self) -> str:
        """Its metadata as it is now."""
        reply = requests.get(self.entity_id, timeout=30)
        assert reply.status_code == 200, reply.text[:2000]
        return reply.text

    def register(self, name: str, metadata: bytes, **options: object) -> None:
        """Make a service provider known, with options on top that SimpleSAMLphp's documentation names; dots are written as `__`."""
        (self.directory / "sp" / f"{name}.xml").write_bytes(metadata)
        chosen = {key.replace("__", "."): value for key, value in options.items()}
        (self.directory / "sp" / f"{name}.json").write_text(json.dumps(chosen))

    def _make_key(self, name: str) -> None:
        # A new name each time: the keys of the fakes are remembered by it.
        key = certify(f"idp-{name}", private_key(f"ssp-{self.port}-{name}-{datetime.now(UTC).timestamp()}"))
        (self.directory / "cert" / f"{name}.key").write_text(key.private_pem)
        (self.directory / "cert" / f"{name}.pem").write_text(key.certificate_pem)

    def announce_key(self) -> None:
        """Publish the next key beside the current one, which still signs."""
        self._make_key("next")

    def switch_key(self) -> None:
        """Sign with the next key, made now if nobody announced it; the former one leaves the metadata."""
        certificates = self.directory / "cert"
        if not (certificates / "next.pem").exists():
            self._make_key("next")
        for suffix in ("key", "pem"):
            os.replace(certificates / f"next.{suffix}", certificates / f"current.{suffix}")  # noqa: PTH105

    def logout_url(self, back: str) -> str:
        """Where people sign out at the identity provider itself."""
        return f"{self.url}/saml2/idp/SingleLogoutService.php?ReturnTo={back}"

    def idp_initiated_url(self, sp_entity_id: str, relay_state: str = "") -> str:
        """Where people start at the identity provider and end in an app."""
        return f"{self.url}/saml2/idp/SSOService.php?{urlencode({'spentityid': sp_entity_id, 'RelayState': relay_state})}"

    def close(self) -> None:
        self.process.stop()
        discard(self.directory)


def entity_id(metadata: bytes) -> str:
    """The name under which a service provider's metadata introduces it."""
    found = re.search(rb'entityID="([^"]+)"', metadata)
    assert found, metadata[:500]
    return found[1].decode()
