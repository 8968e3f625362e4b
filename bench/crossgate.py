"""Crossgate as it is measured: the real `crossgate serve`, everything on, two workers of four threads, SQLite."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.logins import Broker
from bench.party import CLIENT_ID, CLIENT_SECRET, ENTITY, REDIRECT_URI, Party, entity
from bench.server import Server, free_port

POOL = "local_Bench"
CLIENT_ES256 = "rp1es256"
PUBLIC = "https://broker.example.org"

# It believes in a proxy that ends TLS, as in production. The limits are lifted out of the way and still counted, by client and by address;
# each visitor of a login comes from an address of his own.
CONFIG = """
[server]
public_url = "{public}"
bind = "127.0.0.1:{port}"
workers = {workers}
threads = {threads}
trusted_proxies = ["127.0.0.1"]

[store]
url = "sqlite:///crossgate.db"

[limits]
authorize_per_client = 1000000
authorize_per_address = 1000000
callback_per_client = 1000000
token_per_client = 1000000
token_per_address = 1000000
identity_per_address = 100000000

[log]
audit_file = "audit.jsonl"

[[user_pool]]
id = "{pool}"
name = "Bench"

[[user_pool.client]]
id = "{client}"
secret = "{secret}"
redirect_uris = ["{redirect}"]
scopes = ["openid", "email", "profile"]
providers = [{providers}]

[[user_pool.client]]
id = "{client_es256}"
secret = "{secret}"
redirect_uris = ["{redirect}"]
scopes = ["openid", "email", "profile"]
providers = [{providers}]
signing_alg = "ES256"

[[user_pool.client]]
id = "machine"
secret = "{secret}"
flows = ["client_credentials"]
scopes = ["https://api.example/read"]
signing_alg = "ES256"

[[user_pool.resource_server]]
identifier = "https://api.example"
name = "API"
scopes = [{{ name = "read", description = "Read" }}]
"""

PROVIDER = """
[[user_pool.provider]]
name = "{name}"
kind = "saml"
metadata_file = "{metadata}"
[user_pool.provider.mapping]
email = "urn:oid:0.9.2342.19200300.100.1.3"
given_name = "urn:oid:2.5.4.42"
family_name = "urn:oid:2.5.4.4"
name = {{ mapper = "template", template = "{{urn:oid:2.5.4.42}} {{urn:oid:2.5.4.4}}" }}
nickname = "urn:oid:2.16.840.1.113730.3.1.241"
preferred_username = "urn:oid:1.3.6.1.4.1.5923.1.1.1.6"
"""


def write_config(folder: Path, party: Party, port: int, *, providers: int = 1, workers: int = 2, threads: int = 4) -> Path:
    """A configuration with so many SAML providers, each an entity of its own; the first has the party's own name."""
    folder.mkdir(exist_ok=True)
    text = CONFIG.format(
        public=PUBLIC,
        port=port,
        workers=workers,
        threads=threads,
        pool=POOL,
        client=CLIENT_ID,
        client_es256=CLIENT_ES256,
        secret=CLIENT_SECRET,
        redirect=REDIRECT_URI,
        providers=", ".join(f'"idp{number}"' for number in range(providers)),
    )
    metadata = party.box.metadata()
    for number in range(providers):
        name = f"idp{number}"
        (folder / f"{name}.xml").write_text(metadata.replace(f'"{ENTITY}"', f'"{entity(number)}"'))
        text += PROVIDER.format(name=name, metadata=f"{name}.xml")
    path = folder / "crossgate.toml"
    path.write_text(text)
    return path


@contextmanager
def serving(
    folder: Path, party: Party, *, providers: int = 1, used: int = 1, size: tuple[int, int] = (2, 4), patience: float = 60
) -> Iterator[Broker]:
    """`crossgate serve` in a folder, `size` being workers and threads; logins go over the first `used` providers in turn.

    A database that is there is used.
    """
    port = free_port()
    workers, threads = size
    config = write_config(folder, party, port, providers=providers, workers=workers, threads=threads)
    command = [sys.executable, "-m", "broker", "serve", "--config", str(config)]
    env = {"PYTHONPATH": str(Path(__file__).resolve().parents[1])}
    with Server("crossgate", command, f"http://127.0.0.1:{port}/readyz", folder, env, patience) as server:
        issuer = f"{PUBLIC}/{POOL}"
        more = {"identity_provider": "idp{provider}"}
        yield Broker(server, f"127.0.0.1:{port}", f"{issuer}/oauth2/authorize", f"{issuer}/oauth2/token", more, used)
