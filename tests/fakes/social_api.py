"""The three endpoints that social providers have for asking about an access token, spoken as their documents say. Listens on 127.0.0.1."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit


class SocialApi:
    """`facebook`, `amazon` and `x` map access tokens to (app, user); an X token is known with its secret. `status` overrides the answer."""

    def __init__(self) -> None:
        self.facebook = {"fb-token": ("fb-app", "fb-user"), "fb-other": ("another-app", "fb-user")}
        self.amazon = {"amzn-token": ("amzn-app", "amzn1.account.X"), "amzn-other": ("another-app", "amzn1.account.X")}
        self.x = {"x-token": ("x-secret", "x-app", "777")}
        self.app_secrets = {"fb-app": "fb-hush", "x-app": "x-hush"}
        self.status: int | None = None

    def __enter__(self) -> SocialApi:
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, answer = (api.status, {}) if api.status else api.answer(self.path, dict(self.headers.items()), self.headers["Host"])
                body = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def answer(self, path: str, headers: dict[str, str], host: str) -> tuple[int, dict[str, Any]]:
        parts = urlsplit(path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path == "/debug_token":
            return self._facebook(query)
        if parts.path == "/auth/o2/tokeninfo":
            found = self.amazon.get(query.get("access_token", ""))
            return (200, {"aud": found[0], "user_id": found[1], "exp": 3600}) if found else (400, {"error": "invalid_token"})
        if parts.path == "/1.1/account/verify_credentials.json":
            return self._x(f"http://{host}{path}", headers.get("Authorization", ""))
        return 404, {}

    def _facebook(self, query: dict[str, str]) -> tuple[int, dict[str, Any]]:
        app, _, secret = query.get("access_token", "").partition("|")
        if self.app_secrets.get(app) != secret:
            return 400, {"error": {"message": "Invalid OAuth access token signature."}}
        found = self.facebook.get(query.get("input_token", ""))
        return 200, {"data": {"is_valid": True, "app_id": found[0], "user_id": found[1]} if found else {"is_valid": False}}

    def _x(self, url: str, authorization: str) -> tuple[int, dict[str, Any]]:
        """RFC 5849, section 3.4, by hand: the base string of this request under the secrets that X has."""
        pairs = (part.strip().split("=", 1) for part in authorization.removeprefix("OAuth ").split(",") if "=" in part)
        given = {name: unquote(value.strip('"')) for name, value in pairs}
        if given.get("oauth_token") not in self.x:
            return 401, {"errors": [{"code": 89}]}
        secret, app, user = self.x[given["oauth_token"]]
        signed = "&".join(f"{name}={escape(given[name])}" for name in sorted(given) if name not in ("oauth_signature", "realm"))
        base = f"GET&{escape(url)}&{escape(signed)}"
        key = f"{escape(self.app_secrets[app])}&{escape(secret)}"
        want = base64.b64encode(hmac.new(key.encode(), base.encode(), hashlib.sha1).digest()).decode()
        good = hmac.compare_digest(want, given.get("oauth_signature", "")) and given.get("oauth_consumer_key") == app
        return (200, {"id_str": user, "screen_name": "ada"}) if good else (401, {"errors": [{"code": 32}]})


def escape(text: str) -> str:
    """RFC 5849, section 3.6."""
    return quote(text, safe="~")
