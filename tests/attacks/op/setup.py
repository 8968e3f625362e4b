"""Two pools that share a server and an upstream, and a client for each thing that a row needs to attack."""

from __future__ import annotations

from tests.fakes.broker import POOL, REDIRECT, SECRET
from tests.fakes.setup import TOML

OTHER_POOL = "local_Test2"
OTHER_HOST = "login.two.example"
LOOPBACK = "http://127.0.0.1:3000/cb"
WITH_QUERY = "https://app.example/cb?tenant=1&place=2"
CANARY = "<script>alert('canary')</script>\"'&"

CLIENTS = f"""
[[user_pool.client]]
id = "many"
secret = "{SECRET}"
redirect_uris = ["{REDIRECT}", "{LOOPBACK}", "{WITH_QUERY}"]
logout_uris = ["https://app.example/bye", "https://app.example/bye?from=app"]
scopes = ["openid", "email", "profile", "https://api.example/read"]
providers = ["corp"]
logout_revokes = true

[[user_pool.client]]
id = "rival"
secret = "{SECRET}"
redirect_uris = ["{REDIRECT}", "https://rival.example/cb"]
logout_uris = ["https://rival.example/bye"]
scopes = ["openid", "email"]
providers = ["corp", "op"]
rotation = true

[[user_pool.client]]
id = "graceful"
secret = "{SECRET}"
redirect_uris = ["{REDIRECT}"]
providers = ["corp"]
rotation = true
rotation_grace_seconds = 30

[[user_pool.client]]
id = "implicit"
secret = "{SECRET}"
flows = ["code", "implicit"]
redirect_uris = ["{REDIRECT}"]
providers = ["corp"]

[[user_pool.client]]
id = "shown"
name = '''{CANARY}'''
secret = "{SECRET}"
redirect_uris = ["{REDIRECT}"]
providers = ["corp", "op", "canary"]
third_party = true

[[user_pool.client]]
id = "retired"
secret = "{SECRET}"
redirect_uris = ["{REDIRECT}"]
providers = ["corp", "op", "closing"]

[[user_pool.client]]
id = "uninvited"
secret = "{SECRET}"
redirect_uris = ["{REDIRECT}"]
scopes = ["openid", "email"]
providers = ["opendoor"]

[[user_pool.client]]
id = "signed"
redirect_uris = ["{REDIRECT}"]
providers = ["corp"]
jwks_file = "signed.json"

[[user_pool.client]]
id = "cosigned"
redirect_uris = ["{REDIRECT}"]
providers = ["corp"]
jwks_file = "cosigned.json"
"""

PROVIDERS = f"""
[[user_pool.provider]]
name = "canary"
display_name = '''{CANARY}'''
kind = "saml"
metadata_file = "{{metadata}}"

[[user_pool.provider]]
name = "closing"
kind = "saml"
metadata_file = "{{metadata}}"
mapping = {{ email = "email" }}

[[user_pool.provider]]
name = "opendoor"
kind = "saml"
metadata_file = "{{metadata}}"
idp_initiated = true
mapping = {{ email = "email" }}

[[user_pool.provider]]
name = "op2"
kind = "oidc"
issuer = "{{issuer2}}"
client_id = "client-2"
client_secret = "another-secret-that-is-long-enough"
mapping = {{ email = "email", email_verified = "email_verified" }}
"""

OTHER = f"""
[[user_pool]]
id = "{OTHER_POOL}"
name = '''{CANARY}'''
domain = "{OTHER_HOST}"

[[user_pool.client]]
id = "elsewhere"
secret = "{SECRET}"
redirect_uris = ["{REDIRECT}"]
logout_uris = ["https://app.example/bye"]
providers = ["corp"]

[[user_pool.provider]]
name = "corp"
kind = "saml"
metadata_file = "{{metadata}}"
mapping = {{ email = "email" }}
"""


def document(issuer: str, issuer2: str) -> str:
    """The configuration, over two OpenID providers."""
    first_group = TOML.index("[[user_pool.resource_server]]")
    whole = TOML[:first_group].replace('providers = ["corp", "op"]', 'providers = ["corp", "op", "op2"]', 1)
    limits = "[limits]\n" + "".join(f"{name} = 0\n" for name in LIMITS)
    text = limits + whole + CLIENTS + TOML[first_group:] + PROVIDERS + OTHER
    return text.replace("{issuer}", issuer).replace("{issuer2}", issuer2)


LIMITS = (
    "authorize_per_address", "authorize_per_client", "callback_per_address",
    "callback_per_client", "token_per_address", "token_per_client",
)  # fmt: skip

__all__ = ["CANARY", "LOOPBACK", "OTHER_HOST", "OTHER_POOL", "POOL", "REDIRECT", "SECRET", "WITH_QUERY", "document"]
