"""A broker in a process of its own, started as an operator starts it: a configuration file and `crossgate serve`."""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import requests

from tests.parties.kit.app import CALLBACK, SIGNED_OUT, App
from tests.parties.kit.places import discard, free_port, scratch
from tests.parties.kit.process import Process, answers

CROSSGATE = str(Path(sys.executable).parent / "crossgate")
CLIENT_ID = "app"
WORKERS = 2
PROCESSES = WORKERS + 1  # with the background worker
CLIENT_SECRET = "an-app-secret-of-good-length-0123456789"

# What SimpleSAMLphp's people have, by the names under which they arrive.
SAML_MAPPING = {
    "email": "urn:oid:0.9.2342.19200300.100.1.3",
    "given_name": "urn:oid:2.5.4.42",
    "family_name": "urn:oid:2.5.4.4",
    "name": "urn:oid:2.16.840.1.113730.3.1.241",
}
OIDC_MAPPING = {name: name for name in ("email", "email_verified", "given_name", "family_name", "name")}


def toml(value: object) -> str:
    """A value in TOML, in one line. JSON's strings, numbers and booleans are TOML's as well."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{json.dumps(key)} = {toml(each)}" for key, each in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(toml(each) for each in value) + "]"
    return json.dumps(str(value) if isinstance(value, Path) else value)


def client(**changes: Any) -> dict[str, Any]:
    """The usual app client. A key that is None is left out."""
    usual = {
        "id": CLIENT_ID, "secret": CLIENT_SECRET, "redirect_uris": [CALLBACK], "logout_uris": [SIGNED_OUT],
        "scopes": ["openid", "email", "profile"], **changes,
    }  # fmt: skip
    return {name: value for name, value in usual.items() if value is not None}


def pool(pool_id: str, providers: list[dict[str, Any]], clients: list[dict[str, Any]] | None = None, **more: Any) -> dict[str, Any]:
    """A user pool whose clients may use all its providers, unless they say otherwise. Client ids are unique in a broker."""
    names = [provider["name"] for provider in providers]
    suffix = pool_id.rpartition("_")[2]
    chosen = clients if clients is not None else [client(id=f"{CLIENT_ID}{suffix}")]
    return {"id": pool_id, "provider": providers, "client": [{"providers": names, **each} for each in chosen], **more}


class Broker:
    """`crossgate serve` on a free port. `public_url` differs from `url` where a balancer stands in front."""

    def __init__(
        self,
        pools: list[dict[str, Any]],
        *,
        name: str = "broker",
        public_url: str = "",
        port: int | None = None,
        directory: Path | None = None,
        **tables: Mapping[str, Any] | list[Any],
    ) -> None:
        self.name = name
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.public_url = public_url or self.url
        self._owns = directory is None
        self.directory = directory or scratch(name)
        self.config = self.directory / f"{name}.toml"
        self._pools = pools
        self._tables = tables
        self.write()
        self.start()

    def write(self) -> None:
        """Write the configuration file."""
        server = {"public_url": self.public_url, "bind": f"127.0.0.1:{self.port}", "workers": WORKERS, "threads": 4, "drain_seconds": 2}
        tables: dict[str, Any] = {
            "server": server,
            "network": {"allow": ["127.0.0.0/8", "localhost"]},
            "log": {"level": "info", "format": "json", "audit_file": f"{self.name}-audit.jsonl"},
            # Every request comes from one address and is one client's.
            "limits": {f"{what}_per_{whom}": 0 for what in ("authorize", "callback", "token") for whom in ("address", "client")},
            "user_pool": self._pools,
        }
        for table, keys in self._tables.items():
            tables[table] = {**tables.get(table, {}), **keys} if isinstance(keys, Mapping) else keys
        self.config.write_text("".join(f"{name} = {toml(value)}\n" for name, value in tables.items()))

    def start(self) -> None:
        self.process = Process(self.name, [CROSSGATE, "serve", "--config", str(self.config)], cwd=self.directory)
        self.process.wait(lambda: self.ready() and len(self.process.children()) >= PROCESSES, 60)

    def ready(self) -> bool:
        """Its stores answer, too."""
        if not answers(f"{self.url}/healthz")():
            return False
        try:
            return requests.get(f"{self.url}/readyz", timeout=10).status_code == 200
        except requests.RequestException:
            return False

    def issuer(self, pool_id: str) -> str:
        return f"{self.public_url}/{pool_id}"

    def app(self, pool_id: str, client_id: str = "") -> App:
        """The app client of a pool."""
        return App(self.issuer(pool_id), client_id or f"{CLIENT_ID}{pool_id.rpartition('_')[2]}", CLIENT_SECRET)

    def sp_metadata(self, pool_id: str) -> bytes:
        """What a pool says of itself as SAML service provider."""
        reply = requests.get(f"{self.issuer(pool_id)}/saml2/metadata", timeout=30)
        assert reply.status_code == 200, reply.text
        return reply.content

    def log(self) -> str:
        return self.process.log.read_text(errors="replace")

    def tracebacks(self) -> list[str]:
        """Lines of its log that speak of an error nobody foresaw."""
        return [line for line in self.log().splitlines() if "Traceback (most recent call last)" in line]

    def people(self) -> set[str]:
        """The user names in its database, which must be its own SQLite file."""
        with closing(sqlite3.connect(self.directory / "crossgate.db")) as database:
            return {str(name) for (name,) in database.execute("SELECT username FROM users")}

    def close(self) -> None:
        self.process.stop()
        if self._owns:
            discard(self.directory)
