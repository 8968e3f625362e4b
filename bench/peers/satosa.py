"""SATOSA 8.6 as a peer: SAML backend, OpenID Connect frontend, two gunicorn workers, the defaults otherwise.

Where its defaults do less than we do, they stay: its AuthnRequests are unsigned and it keeps nothing. Request ids live in each process,
so two workers need `allow_unsolicited`; with threads, concurrent logins of one subject failed, hence its usual sync workers.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.logins import Broker
from bench.party import CLIENT_ID, CLIENT_SECRET, REDIRECT_URI
from bench.server import Server, free_port

# internal name: (SAML attribute, OpenID Connect claim)
ATTRIBUTES = {
    "mail": ("mail", "email"),
    "givenname": ("givenName", "given_name"),
    "surname": ("sn", "family_name"),
    "name": ("cn", "name"),
    "displayname": ("displayName", "nickname"),
    "edupersonprincipalname": ("eduPersonPrincipalName", "preferred_username"),
}


@contextmanager
def serving(home: Path, folder: Path) -> Iterator[Broker]:
    """Run it; `folder` has the party's files."""
    port = free_port()
    conf = folder / "satosa"
    write_config(conf, folder, f"https://127.0.0.1:{port}")
    command = [str(home / "venv/bin/gunicorn"), "-w", "2", "-b", f"127.0.0.1:{port}", "satosa.wsgi:app"]
    ready = f"http://127.0.0.1:{port}/.well-known/openid-configuration"
    with Server("satosa", command, ready, conf, {"SATOSA_CONFIG": "proxy_conf.yaml", "PYTHONWARNINGS": "ignore"}) as server:
        base = f"https://127.0.0.1:{port}"
        yield Broker(server, f"127.0.0.1:{port}", f"{base}/Saml2/OIDC/authorization", f"{base}/OIDC/token")


def write_config(conf: Path, keys: Path, base: str) -> None:
    """Its five files. JSON is YAML."""
    conf.mkdir(exist_ok=True)
    subprocess.run(["openssl", "genrsa", "-traditional", "-out", str(conf / "oidc.key"), "2048"], check=True, stderr=subprocess.DEVNULL)
    files: dict[str, Any] = {
        "internal_attributes.yaml": {
            "attributes": {name: {"saml": [saml], "openid": [openid]} for name, (saml, openid) in ATTRIBUTES.items()},
            "user_id_from_attrs": [],
            "user_id_to_attr": "edupersonprincipalname",
        },
        "saml2_backend.yaml": _backend(keys, base),
        "oidc_frontend.yaml": _frontend(conf),
        "clients.json": {CLIENT_ID: _client()},
        "proxy_conf.yaml": {
            "BASE": base,
            "COOKIE_STATE_NAME": "SATOSA_STATE",
            "CONTEXT_STATE_DELETE": True,
            "STATE_ENCRYPTION_KEY": "52fddd3528a44157",
            "INTERNAL_ATTRIBUTES": "internal_attributes.yaml",
            "BACKEND_MODULES": ["saml2_backend.yaml"],
            "FRONTEND_MODULES": ["oidc_frontend.yaml"],
            "MICRO_SERVICES": [],
            "LOGGING": {"version": 1, "disable_existing_loggers": False, "root": {"level": "WARNING", "handlers": []}},
        },
    }
    for name, content in files.items():
        (conf / name).write_text(json.dumps(content, indent=1))


def _backend(keys: Path, base: str) -> dict[str, Any]:
    pair = {"key_file": str(keys / "sp.key"), "cert_file": str(keys / "sp.crt")}
    acs = [f"{base}/Saml2/acs/post", "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"]
    sp = {
        "want_response_signed": False,
        "want_assertions_signed": True,
        "allow_unsolicited": True,
        "endpoints": {"assertion_consumer_service": [acs]},
        "name_id_format": ["urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"],
    }
    config = {
        **pair,
        "encryption_keypairs": [pair],
        "entityid": f"{base}/Saml2/proxy_saml2_backend.xml",
        "accepted_time_diff": 60,
        "xmlsec_binary": shutil.which("xmlsec1"),
        "metadata": {"local": [str(keys / "idp.xml")]},
        "service": {"sp": sp},
    }
    return {
        "module": "satosa.backends.saml2.SAMLBackend",
        "name": "Saml2",
        "config": {"idp_blacklist_file": None, "acr_mapping": {"": "loa"}, "sp_config": config},
    }


def _frontend(conf: Path) -> dict[str, Any]:
    return {
        "module": "satosa.frontends.openid_connect.OpenIDConnectFrontend",
        "name": "OIDC",
        "config": {
            "signing_key_path": str(conf / "oidc.key"),
            "signing_key_id": "k1",
            "client_db_path": str(conf / "clients.json"),
            "db_uri": "stateless://u:0123456789abcdef0123456789abcdef@x?alg=aes256",
            "provider": {
                "client_registration_supported": False,
                "response_types_supported": ["code"],
                "subject_types_supported": ["public", "pairwise"],
                "scopes_supported": ["openid", "email", "profile"],
            },
        },
    }


def _client() -> dict[str, Any]:
    return {
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "redirect_uris": [REDIRECT_URI],
        "response_types": ["code"],
        "token_endpoint_auth_method": "client_secret_basic",
        "client_name": "RP",
        "subject_type": "public",
    }
