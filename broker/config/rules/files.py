"""Rules about files that others read or write later, when there is nobody to tell: at a handshake, at the first sign-in."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

from broker.config.root import Config
from broker.config.rules.finding import Finding


def tls_key_fits(config: Config) -> Iterator[Finding]:
    """A pair that does not fit would refuse each connection, one by one, while the service says that it listens."""
    cert, key = config.server.tls_cert, config.server.tls_key
    if cert is None or key is None:
        return
    try:
        # An empty password, or OpenSSL would ask for one at the terminal.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key, password=lambda: "")
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            yield Finding("[server]", "tls_key", f"{key} is not the key of {cert}", "give the key that the certificate was made for")
            return
        why = f" ({error.reason})" if error.reason else ""
        remedy = "give PEM files, the certificate first in its chain, and a key without a password"
        yield Finding("[server]", "tls_cert", f"{cert} and {key} cannot be used{why}", remedy)


def audit_file_has_a_folder(config: Config) -> Iterator[Finding]:
    """Whether it can be written is for the account that serves, at its start; where it lies is for the file."""
    path = config.log.audit_file
    if path is None:
        return
    if not path.parent.is_dir():
        yield Finding("[log]", "audit_file", f"there is no folder {path.parent}", "make it, or name another file")
    elif path.is_dir():
        yield Finding("[log]", "audit_file", f"{path} is a folder", "name a file in it")
