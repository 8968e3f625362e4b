"""Servers that misbehave at the level of bytes, and the certificates for those that do so over TLS."""

from __future__ import annotations

import datetime as dt
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass
class RawServer:
    """What arrived: the head of each request as text; how often somebody connected."""

    port: int
    requests: list[str] = field(default_factory=list)
    connections: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def answer(body: bytes = b"{}", status: str = "200 OK", **headers: str) -> bytes:
    """A whole HTTP/1.1 answer that closes the connection; header names with _ for -."""
    sent = {"Content-Type": "application/json", "Content-Length": str(len(body)), "Connection": "close"}
    sent.update({k.replace("_", "-"): v for k, v in headers.items()})
    lines = "".join(f"{k}: {v}\r\n" for k, v in sent.items() if v)
    return f"HTTP/1.1 {status}\r\n{lines}\r\n".encode() + body


Behave = bytes | Callable[[socket.socket, str], None]


def _serve_one(server: RawServer, sock: socket.socket, context: ssl.SSLContext | None, behave: Behave) -> None:
    with sock:
        sock.settimeout(10)
        try:
            conn = context.wrap_socket(sock, server_side=True) if context else sock
            with conn:
                server.connections += 1
                while head := _head(conn):
                    server.requests.append(head)
                    if callable(behave):
                        behave(conn, head)
                    else:
                        conn.sendall(behave)
                    if not callable(behave) and b"Connection: close" in behave:
                        break
        except OSError:
            pass  # the client gave up, as it should


def _head(conn: socket.socket) -> str:
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = conn.recv(65_536)
        if not chunk:
            return ""
        data += chunk
    return data.decode("latin-1")


@contextmanager
def raw_server(behave: Behave, context: ssl.SSLContext | None = None) -> Iterator[RawServer]:
    """Listen on a free port of 127.0.0.1. `behave` is a whole answer, or does with the connection what it likes."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.05)
    server, stop = RawServer(listener.getsockname()[1]), threading.Event()
    workers: list[threading.Thread] = []

    def accept() -> None:
        while not stop.is_set():
            try:
                sock, _ = listener.accept()
            except TimeoutError:
                continue
            worker = threading.Thread(target=_serve_one, args=(server, sock, context, behave), daemon=True)
            workers.append(worker)
            worker.start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        stop.set()
        thread.join()
        listener.close()


class Authority:
    """A certificate authority made for one test run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test CA")])
        self._cert = self._build(self._name, self._key.public_key(), self._key, days=30, ca=True)
        self.ca_file = folder / "ca.pem"
        self.ca_file.write_bytes(self._cert.public_bytes(serialization.Encoding.PEM))

    def server(self, host: str, *, days: int = 30, self_signed: bool = False, newest: ssl.TLSVersion | None = None) -> ssl.SSLContext:
        """A server context with a certificate for `host`, valid until `days` from now (negative: expired)."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        cert = self._build(name, key.public_key(), key if self_signed else self._key, days=days, host=host)
        path = self.folder / f"{host}-{days}-{self_signed}.pem"
        path.write_bytes(
            key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
            + cert.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        if newest is not None:
            context.set_ciphers("ALL:@SECLEVEL=0")
            context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
            context.maximum_version = newest
        return context

    def _build(
        self,
        subject: x509.Name,
        public: ec.EllipticCurvePublicKey,
        signer: ec.EllipticCurvePrivateKey,
        *,
        days: int,
        host: str = "",
        ca: bool = False,
    ) -> x509.Certificate:
        now = dt.datetime.now(dt.UTC)
        issuer = subject if signer.public_key() == public else self._name
        end = now + dt.timedelta(days=days)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(min(now, end) - dt.timedelta(days=1))
            .not_valid_after(end)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        if host:
            try:
                alternative: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(host))
            except ValueError:
                alternative = x509.DNSName(host)
            builder = builder.add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
        return builder.sign(signer, hashes.SHA256())
