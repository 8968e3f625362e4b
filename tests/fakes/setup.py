"""The configuration that most tests of a whole broker use: one pool, a SAML and an OIDC provider, clients of each kind."""

from __future__ import annotations

from tests.fakes.broker import POOL, REDIRECT, SECRET

TOML = f"""
[server]
public_url = "http://localhost:8080"

[store]
url = "sqlite:///crossgate.db"

[network]
allow = ["127.0.0.0/8"]

[log]
audit_file = "audit.jsonl"

[[user_pool]]
id = "{POOL}"
name = "Test"

[[user_pool.client]]
id = "app"
secret = "{SECRET}"
redirect_uris = ["{REDIRECT}"]
logout_uris = ["https://app.example/bye"]
scopes = ["openid", "email", "profile", "phone"]
providers = ["corp", "op"]

[[user_pool.client]]
id = "corponly"
secret = "{SECRET}"
redirect_uris = ["{REDIRECT}"]
scopes = ["openid", "email"]
providers = ["corp"]
require_pkce = false

[[user_pool.client]]
id = "spa"
token_auth = "none"
redirect_uris = ["{REDIRECT}"]
scopes = ["openid", "email", "profile"]
providers = ["corp", "op"]

[[user_pool.client]]
id = "rotating"
secret = "{SECRET}"
redirect_uris = ["{REDIRECT}"]
scopes = ["openid", "email", "profile"]
providers = ["corp"]
rotation = true

[[user_pool.client]]
id = "partner"
name = "Partner app"
secret = "{SECRET}"
redirect_uris = ["{REDIRECT}"]
scopes = ["openid", "email", "profile"]
providers = ["corp"]
third_party = true

[[user_pool.client]]
id = "machine"
secret = "{SECRET}"
flows = ["client_credentials"]
scopes = ["https://api.example/read", "https://api.example/write"]

[[user_pool.resource_server]]
identifier = "https://api.example"
name = "API"
scopes = [{{ name = "read", description = "Read" }}, {{ name = "write", description = "Write" }}]

[[user_pool.group]]
name = "staff"
precedence = 1
role_arn = "arn:aws:iam::000000000000:role/Staff"

[[user_pool.provider]]
name = "corp"
kind = "saml"
metadata_file = "{{metadata}}"
mapping = {{ email = "email", given_name = "urn:oid:2.5.4.42" }}

[[user_pool.provider]]
name = "op"
kind = "oidc"
issuer = "{{issuer}}"
client_id = "client-1"
client_secret = "a-secret-that-is-quite-long-enough"
scopes = ["openid", "email", "profile"]
mapping = {{ email = "email", email_verified = "email_verified", name = "name" }}
"""
