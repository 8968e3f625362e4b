"""npm oidc-provider as an OpenID provider."""

from __future__ import annotations

import json
from typing import Any

from joserfc.jwk import ECKey, RSAKey

from tests.parties.kit import people
from tests.parties.kit.node import node
from tests.parties.kit.places import discard, free_port, scratch
from tests.parties.kit.process import Process, answers


def signing_keys(name: str) -> dict[str, Any]:
    """A private JWK set with an RSA and an EC key; `name` begins their ids."""
    made = [
        RSAKey.generate_key(2048, {"kid": f"{name}-rsa", "use": "sig", "alg": "RS256"}),
        ECKey.generate_key("P-256", {"kid": f"{name}-ec", "use": "sig", "alg": "ES256"}),
    ]
    return {"keys": [key.as_dict(private=True) for key in made]}


class OpenidProvider:
    """An OpenID provider that knows alice and bob, and the clients that it is given."""

    def __init__(self, clients: list[dict[str, Any]], port: int | None = None, *, claims_in_id_token: bool = False) -> None:
        self.directory = scratch("oidc-provider")
        self.port = port or free_port()
        self.issuer = f"http://127.0.0.1:{self.port}"
        self._settings = {
            "port": self.port,
            "clients": clients,
            "jwks": signing_keys("first"),
            "people": people.as_oidc(),
            "claimsInIdToken": claims_in_id_token,
        }
        self.start()

    def start(self) -> None:
        settings = self.directory / "settings.json"
        settings.write_text(json.dumps(self._settings))
        self.process = Process("oidc-provider", [*node("provider.mjs"), str(settings)])
        self.process.wait(answers(f"{self.issuer}/.well-known/openid-configuration"))

    def rotate(self, name: str) -> None:
        """Come back with new keys alone. It forgets who was signed in."""
        self.process.stop()
        self._settings["jwks"] = signing_keys(name)
        self.start()

    def logout_url(self) -> str:
        """Where people sign out at the provider itself."""
        return f"{self.issuer}/session/end"

    def close(self) -> None:
        self.process.stop()
        discard(self.directory)
