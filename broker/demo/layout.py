"""Where everything of the demo lives, and the configuration that joins it: the file that an operator would write."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from string import Template

from broker.demo.servers import HOST, free_port

POOL = "local_Demo"
SAML_NAME = "SampleSAML"
OIDC_NAME = "SampleOIDC"
CLIENT_ID = "sampleapp"


@dataclass(frozen=True, slots=True)
class Layout:
    """Ports and secrets of one run. Nothing of it outlives the run."""

    broker_port: int
    saml_port: int
    oidc_port: int
    app_port: int
    client_secret: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    upstream_secret: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)

    @property
    def broker(self) -> str:
        """The broker's public URL."""
        return f"http://{HOST}:{self.broker_port}"

    @property
    def issuer(self) -> str:
        """The pool's issuer."""
        return f"{self.broker}/{POOL}"

    @property
    def saml(self) -> str:
        """The sample SAML IdP."""
        return f"http://{HOST}:{self.saml_port}"

    @property
    def oidc(self) -> str:
        """The sample OpenID provider."""
        return f"http://{HOST}:{self.oidc_port}"

    @property
    def app(self) -> str:
        """The sample app."""
        return f"http://{HOST}:{self.app_port}"


def make_layout() -> Layout:
    """The ports people remember where they are free, others where they are not."""
    taken: set[int] = set()
    broker, saml, oidc, app = (free_port(wanted, taken) for wanted in (8080, 8081, 8082, 8083))
    return Layout(broker, saml, oidc, app)


CONFIG = Template(
    """\

# Written by `crossgate demo`. It is a complete configuration: keep it, and change it, if you like.

[server]
public_url = $public_url
bind = $bind
workers = 2
drain_seconds = 2

[network]
# The sample providers are on this machine. Without this line no private address is ever reached.
allow = [$host]

[store]
url = "sqlite:///demo.db"

[[user_pool]]
id = $pool
name = "Demo"

[user_pool.branding]
title = "Crossgate demo"
accent = "#2f5bd7"

[[user_pool.client]]
id = $client_id
name = "Sample app"
secret = $client_secret
redirect_uris = [$callback]
logout_uris = [$home]
scopes = ["openid", "email", "profile"]
providers = [$saml_name, $oidc_name]

[[user_pool.provider]]
name = $saml_name
kind = "saml"
display_name = "SAML IdP"
metadata_url = $metadata_url
sign_out = true

[user_pool.provider.mapping]
email = "mail"
given_name = "firstName"
family_name = "lastName"

[[user_pool.provider]]
name = $oidc_name
kind = "oidc"
display_name = "OIDC IdP"
issuer = $issuer
client_id = "crossgate"
client_secret = $upstream_secret

[user_pool.provider.mapping]
email = "email"
email_verified = "email_verified"
given_name = "given_name"
family_name = "family_name"
"""
)


def config_toml(layout: Layout) -> str:
    """The broker's configuration. A JSON string is also a TOML string."""
    values = {
        "public_url": layout.broker,
        "bind": f"{HOST}:{layout.broker_port}",
        "host": HOST,
        "pool": POOL,
        "client_id": CLIENT_ID,
        "client_secret": layout.client_secret,
        "callback": layout.app + "/callback",
        "home": layout.app + "/",
        "saml_name": SAML_NAME,
        "oidc_name": OIDC_NAME,
        "metadata_url": layout.saml + "/metadata",
        "issuer": layout.oidc,
        "upstream_secret": layout.upstream_secret,
    }
    return CONFIG.substitute({name: json.dumps(value) for name, value in values.items()})
