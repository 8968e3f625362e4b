"""Files that are only looked at later, by a handshake or by the first sign-in: what is wrong with them is said when the file is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from broker import config
from tests.fakes.saml_keys import key

TLS = "[server]\npublic_url = 'https://sso.example'\ntls_cert = 'cert.pem'\ntls_key = 'key.pem'\n"


def problem(text: str, folder: Path) -> str:
    with pytest.raises(config.ConfigProblems) as refused:
        config.loads(text, folder / "crossgate.toml", {})
    (found,) = refused.value.problems
    return found.line().removeprefix(f"{folder}/crossgate.toml: ")


def test_a_tls_key_must_fit_its_certificate(tmp_path: Path) -> None:
    cert, own = tmp_path / "cert.pem", tmp_path / "key.pem"
    cert.write_text(key("idp").certificate_pem)
    own.write_text(key("idp").private_pem)
    assert config.loads(TLS, tmp_path / "crossgate.toml", {}).server.tls_key == own
    own.write_text(key("another").private_pem)
    assert problem(TLS, tmp_path).startswith(f"[server]: tls_key: {own} is not the key of {cert}; give the key")
    cert.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    assert problem(TLS, tmp_path).startswith(f"[server]: tls_cert: {cert} and {own} cannot be used")


def test_an_audit_file_must_have_a_folder(tmp_path: Path) -> None:
    text = "[log]\naudit_file = 'logs/audit.jsonl'\n"
    assert problem(text, tmp_path) == f"[log]: audit_file: there is no folder {tmp_path}/logs; make it, or name another file"
    (tmp_path / "logs/audit.jsonl").mkdir(parents=True)
    assert "is a folder" in problem(text, tmp_path)
    (tmp_path / "logs/audit.jsonl").rmdir()
    assert config.loads(text, tmp_path / "crossgate.toml", {}).log.audit_file == tmp_path / "logs/audit.jsonl"
