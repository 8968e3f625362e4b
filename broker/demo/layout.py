"""Where everything of the demo lives, and the configuration that joins it: the file that an operator would write."""

from __future__ import annotations

import json
import secrets
import uuid
from dataclasses import dataclass, field
from string import Template

from broker.demo.servers import HOST, free_port

POOL = "local_Demo"
SAML_NAME = "SampleSAML"
OIDC_NAME = "SampleOIDC"
CLIENT_ID = "sampleapp"
REGION = "eu-west-1"
ACCOUNT = "123456789012"
LOGIN = f"cognito-idp.{REGION}.amazonaws.com/{POOL}"
"""The user pool's key in a `Logins` map."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Ports and secrets of one run. Nothing of it outlives the run."""

    broker_port: int
    saml_port: int
    oidc_port: int
    app_port: int
    reports_port: int
    authorize_port: int
    identity_pool: str = field(default_factory=lambda: f"{REGION}:{uuid.uuid4()}")
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

    @property
    def reports(self) -> str:
        """The guarded API."""
        return f"http://{HOST}:{self.reports_port}"

    @property
    def authorize(self) -> str:
        """Where the guard of that API asks."""
        return f"http://{HOST}:{self.authorize_port}/authorize"


def make_layout() -> Layout:
    """The ports people remember where they are free, others where they are not."""
    taken: set[int] = set()
    broker, saml, oidc, app, reports, authorize = (free_port(wanted, taken) for wanted in range(8080, 8086))
    return Layout(broker, saml, oidc, app, reports, authorize)


OWN_REPORTS = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "reports:Read", "Resource": "arn:aws:reports:::${aws:PrincipalTag/Department}"}],
}

CONFIG = Template(
    """\

# Written by `crossgate demo`. It is a complete configuration: keep it, and change it, if you like.

[server]
public_url = $public_url
bind = $bind
workers = 2
drain_seconds = 2
# The guard of the reports API is the proxy here.
trusted_proxies = [$host]

[network]
# The sample providers are on this machine. Without this line no private address is ever reached.
allow = [$host]

[store]
url = "sqlite:///demo.db"

[aws]
region = $region
account_id = $account

[authorize]
bind = $authorize_bind

[[user_pool]]
id = $pool
name = "Demo"

[[user_pool.attribute]]
name = "custom:department"

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
# A custom attribute is in tokens only where it is listed.
read_attributes = ["email", "email_verified", "given_name", "family_name", "custom:department"]
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
"custom:department" = "department"

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
"custom:department" = "department"

# From a token of that pool to temporary credentials: the department decides about the role, and becomes a tag.

[[identity_pool]]
id = $identity_pool
name = "Demo"
authenticated_role = "staff"

[[identity_pool.user_pool]]
id = $pool
client = $client_id
role_from = "rules"
rules = [{ claim = "custom:department", value = "marketing", role = "marketing" }]
ambiguous = "authenticated"
tags = { Department = "custom:department" }

[[role]]
name = "marketing"
description = "Reads the reports of its own department"
policies = [{ name = "own-reports", document = $own_reports }]

[[role]]
name = "staff"
description = "May read no report"

# What a request to the reports API means.

[[protected_service]]
name = "reports"
hosts = [$reports_host]
rules = [
    { methods = ["GET"], path = "/reports/{department}", action = "reports:Read", resource = "arn:aws:reports:::{department}" },
]
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
        "region": REGION,
        "account": ACCOUNT,
        "authorize_bind": f"{HOST}:{layout.authorize_port}",
        "identity_pool": layout.identity_pool,
        "own_reports": json.dumps(OWN_REPORTS),
        "reports_host": f"{HOST}:{layout.reports_port}",
    }
    return CONFIG.substitute({name: json.dumps(value) for name, value in values.items()})
