"""An STS in a box: it takes AssumeRoleWithWebIdentity, trusts one issuer, answers as AWS does, and can be made to fail."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import jwt

NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"
Answer = tuple[int, str]


class StsServer:
    """`keys` are the public keys it trusts, by kid; `audience` the client that it knows. `failures` are given out first, one a call.

    A failure of None drops the connection.
    """

    def __init__(self, issuer: str, keys: Callable[[], dict[str, Any]], audience: str) -> None:
        self.issuer, self.keys, self.audience = issuer, keys, audience
        self.failures: deque[Answer | None] = deque()
        self.forms: list[dict[str, str]] = []
        self.paths: list[str] = []
        box = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                form = {name: values[0] for name, values in parse_qs(body, keep_blank_values=True).items()}
                box.forms.append(form)
                given = box.failures.popleft() if box.failures else box.answer(form)
                if given is None:
                    self.close_connection = True
                    return
                data = given[1].encode()
                self.send_response(given[0])
                self.send_header("Content-Type", "text/xml")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                """Nobody reads it."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, form: dict[str, str]) -> Answer:
        if form.get("Action") != "AssumeRoleWithWebIdentity" or form.get("Version") != "2011-06-15":
            return error("InvalidAction", "Could not find operation", 400)
        try:
            token = form["WebIdentityToken"]
            key = self.keys()[jwt.get_unverified_header(token)["kid"]]
            claims = jwt.decode(token, key, algorithms=["RS512"], audience=self.audience, issuer=self.issuer)
        except (KeyError, jwt.PyJWTError) as refused:
            return error("InvalidIdentityToken", str(refused), 400)
        if claims.get("amr", [""])[0] != "authenticated":
            return error("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity", 403)
        return 200, credentials(int(form["DurationSeconds"]))


def credentials(seconds: int = 3600, **changes: str) -> str:
    """A good answer; `changes` are members of the credentials."""
    ends = datetime.now(UTC) + timedelta(seconds=seconds)
    members = {
        "AccessKeyId": "ASIATHEIRTHEIRTHEIR2",
        "SecretAccessKey": "their/Secret+" + "x" * 27,
        "SessionToken": "FwoGZXIvYXdzEJr" * 20,
        "Expiration": ends.strftime("%Y-%m-%dT%H:%M:%SZ"),
        **changes,
    }
    inside = "".join(f"<{name}>{value}</{name}>" for name, value in members.items())
    return (
        f'<AssumeRoleWithWebIdentityResponse xmlns="{NAMESPACE}"><AssumeRoleWithWebIdentityResult>'
        f"<Credentials>{inside}</Credentials><Provider>x</Provider></AssumeRoleWithWebIdentityResult>"
        "<ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></AssumeRoleWithWebIdentityResponse>"
    )


def error(code: str, message: str, status: int) -> Answer:
    """An error as the query protocol writes it."""
    return status, (
        f'<ErrorResponse xmlns="{NAMESPACE}"><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>'
        "<RequestId>1</RequestId></ErrorResponse>"
    )
