"""A small real OpenID provider over HTTP, honest until told otherwise.

`op = FakeOp().begin()` listens on a free port of 127.0.0.1; `op.end()` stops it, or use it as a context manager. It signs with its own
keys, publishes discovery and JWKS, checks client, PKCE and redirect_uri, and lets a test forge anything through `op.forge`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote, urlencode, urlsplit

import requests
from joserfc import jws
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

Key = RSAKey | ECKey | OKPKey | OctKey
Pairs = list[tuple[str, str]]


def b64(data: bytes | str) -> str:
    """base64url without padding."""
    raw = data.encode() if isinstance(data, str) else data
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def sign(header: dict[str, Any], payload: bytes | dict[str, Any], key: Key) -> str:
    """A compact JWS, whatever the header says beside `alg`."""
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    text = f"{b64(json.dumps(header))}.{b64(raw)}"
    model = jws.JWSRegistry.algorithms[header["alg"]]
    return f"{text}.{b64(model.sign(text.encode(), key))}"


@dataclass
class SigningKey:
    """A key under its kid and algorithm."""

    kid: str
    alg: str
    key: Key

    @classmethod
    def make(cls, kid: str, alg: str = "RS256", bits: int = 2048) -> SigningKey:
        if alg.startswith(("RS", "PS")):
            return cls(kid, alg, RSAKey.generate_key(bits))
        if alg.startswith("ES"):
            return cls(kid, alg, ECKey.generate_key({"256": "P-256", "384": "P-384", "512": "P-521"}[alg[2:]]))
        return cls(kid, alg, OKPKey.generate_key("Ed25519"))

    def public(self) -> dict[str, Any]:
        return {**self.key.as_dict(private=False), "kid": self.kid, "use": "sig", "alg": self.alg}


@dataclass
class Forge:
    """What to falsify; each is a function of the honest value, or None. `reply` maps a path to a whole answer."""

    header: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    claims: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    token: Callable[[dict[str, Any], dict[str, Any], SigningKey], str] | None = None
    tokens: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    userinfo: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    discovery: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    jwks: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    callback: Callable[[Pairs], Pairs] | None = None
    reply: dict[str, Callable[[], tuple[int, dict[str, str], bytes]]] = field(default_factory=dict)


@dataclass
class Seen:
    """A request that arrived."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: str


class FakeOp:
    """The provider. `user` holds the claims of whoever signs in; `clients` secrets by id ("" for assertion or public)."""

    def __init__(self, key: SigningKey | None = None) -> None:
        self.keys = [key or SigningKey.make("key-1")]
        self.user: dict[str, Any] = {
            "sub": "user-1", "email": "ada@example.com", "email_verified": True, "name": "Ada Lovelace",
        }  # fmt: skip
        self.clients = {"client-1": "a-secret-that-is-quite-long-enough"}
        self.now: Callable[[], float] = time.time
        self.forge = Forge()
        self.seen: list[Seen] = []
        self.iss_parameter = True
        self.userinfo_signed = False
        self._codes: dict[str, dict[str, str]] = {}
        self._access: dict[str, dict[str, Any]] = {}
        self._server: ThreadingHTTPServer | None = None

    def begin(self) -> FakeOp:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def end(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    __enter__ = begin

    def __exit__(self, *_: object) -> None:
        self.end()

    def reset(self) -> None:
        """Honest again."""
        self.forge, self.seen = Forge(), []

    @property
    def issuer(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def key(self) -> SigningKey:
        return self.keys[-1]

    def rotate(self, alg: str = "RS256", *, keep_old: bool = True) -> SigningKey:
        """Sign with a new key from now on; the old one stays published if wanted."""
        new = SigningKey.make(f"key-{secrets.token_hex(4)}", alg)
        self.keys = [*self.keys, new] if keep_old else [new]
        return new

    def hits(self, path: str) -> int:
        return sum(s.path == path for s in self.seen)

    def browse(self, url: str) -> Pairs:
        """What a browser at this authorize URL is sent back with."""
        session = requests.Session()
        session.trust_env = False
        with session, session.get(url, allow_redirects=False, timeout=5) as reply:
            if reply.status_code != 302:
                return [(i.split('"')[1], i.split('"')[3]) for i in reply.text.split("<input ")[1:]]  # a form_post page
            return parse_qsl(urlsplit(reply.headers["Location"]).query, keep_blank_values=True)

    # The endpoints. Each answers (status, headers, body).

    def discovery(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "jwks_uri": f"{self.issuer}/jwks",
            "end_session_endpoint": f"{self.issuer}/logout",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256", "none", "HS256"],
            "authorization_response_iss_parameter_supported": self.iss_parameter,
            "code_challenge_methods_supported": ["S256"],
            "backchannel_logout_supported": True,
        }

    def jwks(self) -> dict[str, Any]:
        return {"keys": [k.public() for k in self.keys]}

    def authorize(self, query: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        code = secrets.token_urlsafe(16)
        self._codes[code] = query
        pairs: Pairs = [("code", code), ("state", query["state"])]
        if self.iss_parameter:
            pairs.append(("iss", self.issuer))
        if self.forge.callback:
            pairs = self.forge.callback(pairs)
        if query.get("response_mode") == "form_post":
            inputs = "".join(f'<input name="{n}" value="{v}">' for n, v in pairs)
            page = f'<form method="post" action="{query["redirect_uri"]}">{inputs}</form>'
            return 200, {"Content-Type": "text/html"}, page.encode()
        glue = "&" if "?" in query["redirect_uri"] else "?"
        return 302, {"Location": query["redirect_uri"] + glue + urlencode(pairs)}, b""

    def token(self, form: dict[str, str], headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        def refuse(error: str, status: int = 400) -> tuple[int, dict[str, str], bytes]:
            return status, _JSON, json.dumps({"error": error}).encode()

        client, secret = form.get("client_id", ""), form.get("client_secret", "")
        if headers.get("authorization", "").startswith("Basic "):
            pair = base64.b64decode(headers["authorization"][6:]).decode()
            client, secret = (unquote(p) for p in pair.split(":", 1))
        if client not in self.clients or ("client_assertion" not in form and self.clients[client] != secret):
            return refuse("invalid_client", 401)
        asked = self._codes.pop(form.get("code", ""), None)
        if asked is None or asked["redirect_uri"] != form.get("redirect_uri") or asked["client_id"] != client:
            return refuse("invalid_grant")
        challenge = b64(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if asked.get("code_challenge_method") != "S256" or asked.get("code_challenge") != challenge:
            return refuse("invalid_grant")
        access = secrets.token_urlsafe(16)
        self._access[access] = {**self.user, "client_id": client}
        tokens = {"access_token": access, "token_type": "Bearer", "expires_in": 300}
        if "openid" in asked["scope"].split():
            tokens["id_token"] = self.id_token(asked, access)
        if self.forge.tokens:
            tokens = self.forge.tokens(tokens)
        return 200, _JSON, json.dumps(tokens).encode()

    def id_token(self, asked: dict[str, str], access_token: str) -> str:
        now = int(self.now())
        claims: dict[str, Any] = {
            "iss": self.issuer, "aud": asked["client_id"], "sub": self.user["sub"], "iat": now, "exp": now + 300,
            "auth_time": now, "sid": "session-1", "amr": ["pwd"],
            "at_hash": b64(hashlib.sha256(access_token.encode()).digest()[:16]),
        }  # fmt: skip
        if "nonce" in asked:
            claims["nonce"] = asked["nonce"]
        if "acr_values" in asked:
            claims["acr"] = asked["acr_values"].split()[0]
        if self.key.alg[-3:] in ("384", "512") or self.key.alg == "EdDSA":
            del claims["at_hash"]
        header = {"alg": self.key.alg, "kid": self.key.kid, "typ": "JWT"}
        header = self.forge.header(header) if self.forge.header else header
        claims = self.forge.claims(claims) if self.forge.claims else claims
        if self.forge.token:
            return self.forge.token(header, claims, self.key)
        return sign(header, claims, self.key.key)

    def logout_token(self, client_id: str = "client-1", **changes: Any) -> str:
        """A back-channel logout token; a change to None takes a claim away."""
        now = int(self.now())
        claims = {
            "iss": self.issuer, "aud": client_id, "iat": now, "exp": now + 120, "jti": secrets.token_hex(8),
            "sub": self.user["sub"], "sid": "session-1",
            "events": {"http://schemas.openid.net/event/backchannel-logout": {}}, **changes,
        }  # fmt: skip
        claims = {k: v for k, v in claims.items() if v is not None}
        return sign({"alg": self.key.alg, "kid": self.key.kid, "typ": "logout+jwt"}, claims, self.key.key)

    def userinfo(self, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        found = self._access.get(headers.get("authorization", "").removeprefix("Bearer "))
        if found is None:
            return 401, {"WWW-Authenticate": 'Bearer error="invalid_token"'}, b""
        claims = {k: v for k, v in found.items() if k != "client_id"}
        claims = self.forge.userinfo(claims) if self.forge.userinfo else claims
        if self.userinfo_signed:
            signed = {"iss": self.issuer, "aud": found["client_id"], **claims}
            token = sign({"alg": self.key.alg, "kid": self.key.kid}, signed, self.key.key)
            return 200, {"Content-Type": "application/jwt"}, token.encode()
        return 200, _JSON, json.dumps(claims).encode()

    def answer(self, seen: Seen) -> tuple[int, dict[str, str], bytes]:
        self.seen.append(seen)
        if seen.path in self.forge.reply:
            return self.forge.reply[seen.path]()
        query = {n: v[0] for n, v in parse_qs(seen.query).items()}
        form = {n: v[0] for n, v in parse_qs(seen.body).items()}
        if seen.path == "/.well-known/openid-configuration":
            document = self.forge.discovery(self.discovery()) if self.forge.discovery else self.discovery()
            return 200, _JSON, json.dumps(document).encode()
        if seen.path == "/jwks":
            keys = self.forge.jwks(self.jwks()) if self.forge.jwks else self.jwks()
            return 200, _JSON, json.dumps(keys).encode()
        if seen.path == "/authorize":
            return self.authorize(query)
        if seen.path == "/token":
            return self.token(form, seen.headers)
        if seen.path == "/userinfo":
            return self.userinfo(seen.headers)
        if seen.path == "/logout":
            pairs = urlencode({"state": query.get("state", "")})
            return 302, {"Location": f"{query['post_logout_redirect_uri']}?{pairs}"}, b""
        return 404, {}, b""


_JSON = {"Content-Type": "application/json"}


def _handler(op: FakeOp) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def _serve(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            headers = {k.lower(): v for k, v in self.headers.items()}
            status, sent, content = op.answer(Seen(self.command, parts.path, parts.query, headers, body))
            try:
                self.send_response(status)
                for name, value in sent.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        do_GET = do_POST = _serve  # noqa: N815 - the library's names

        def log_message(self, *_: object) -> None:
            pass

    return Handler
