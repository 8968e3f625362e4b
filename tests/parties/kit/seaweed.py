"""SeaweedFS: S3, and an STS of its own that trusts an identity pool as OpenID provider."""

from __future__ import annotations

import base64
import json
import secrets
import signal
from typing import Any

import requests

from tests.parties.kit.places import HOME, discard, free_port, scratch
from tests.parties.kit.process import Process

PROGRAM = HOME / "python" / "bin" / "weed"
ADMIN = ("weedadmin", "weedadminsecret")
ROLES = {"reader": ("s3:GetObject", "s3:ListBucket"), "writer": ("s3:*",)}


def _statement(actions: tuple[str, ...], resources: list[str]) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resources}


class SeaweedFs:
    """Its roles bear the ARNs `arn.format(role)`. Whoever is to be trusted need not be up when it starts."""

    def __init__(self, issuer: str, audience: str, jwks: str, arn: str, port: int) -> None:
        self.directory = scratch("seaweedfs")
        self.port = port
        self.url = f"http://127.0.0.1:{self.port}"
        iam, s3 = self.directory / "iam.json", self.directory / "s3.json"
        iam.write_text(json.dumps(self._trust(issuer, audience, jwks, arn)))
        admin = {"name": "admin", "credentials": [{"accessKey": ADMIN[0], "secretKey": ADMIN[1]}], "actions": ["Admin", "Read", "Write"]}
        s3.write_text(json.dumps({"identities": [admin]}))
        (self.directory / "data").mkdir()
        self._master = free_port()
        ports = {"master.port": self._master, "s3.port": self.port}
        for name in ("master.port.grpc", "volume.port", "volume.port.grpc", "filer.port", "filer.port.grpc", "s3.port.grpc"):
            ports[name] = free_port()
        options = {
            "dir": self.directory / "data", "ip": "127.0.0.1", "ip.bind": "127.0.0.1", "master.volumeSizeLimitMB": 64, "volume.max": 20,
            "volume.preStopSeconds": 0, "s3.port.iceberg": 0, "s3.port.lance": 0, "s3.config": s3, "s3.iam.config": iam, **ports,
        }  # fmt: skip
        command = [str(PROGRAM), f"-logdir={self.directory}", "-alsologtostderr=true", "server", "-filer", "-s3"]
        # In order it would take ten seconds to end, for data that nobody wants.
        stop = signal.SIGKILL
        self.process = Process("seaweedfs", [*command, *(f"-{name}={value}" for name, value in options.items())], stop_signal=stop)
        self.process.wait(self._can_write, 60)

    @staticmethod
    def _trust(issuer: str, audience: str, jwks: str, arn: str) -> dict[str, Any]:
        openid = {"issuer": issuer, "clientId": audience, "jwksUri": jwks, "scopes": ["openid"], "claimsMapping": {"username": "sub"}}
        trusted = {"Effect": "Allow", "Principal": {"Federated": "pool"}, "Action": ["sts:AssumeRoleWithWebIdentity"]}
        return {
            "sts": {
                "tokenDuration": "1h", "maxSessionLength": "12h", "issuer": "seaweedfs-sts",
                "signingKey": base64.b64encode(secrets.token_bytes(32)).decode(),
            },
            "providers": [{"name": "pool", "type": "oidc", "enabled": True, "config": openid}],
            "policy": {"defaultEffect": "Deny", "storeType": "memory"},
            "roles": [
                {
                    "roleName": role, "roleArn": arn.format(role), "attachedPolicies": [role],
                    "trustPolicy": {"Version": "2012-10-17", "Statement": [trusted]},
                }
                for role in ROLES
            ],
            "policies": [
                {
                    "name": role,
                    "document": {
                        "Version": "2012-10-17",
                        "Statement": [
                            _statement(actions, ["arn:aws:s3:::*", "arn:aws:s3:::*/*"]), _statement(("sts:ValidateSession",), ["*"]),
                        ],
                    },
                }
                for role, actions in ROLES.items()
            ],
        }  # fmt: skip

    def _can_write(self) -> bool:
        """Its health check answers before there is room for a file."""
        try:
            ready = requests.get(f"{self.url}/healthz", timeout=5).status_code == 200
            return ready and '"fid"' in requests.get(f"http://127.0.0.1:{self._master}/dir/assign", timeout=5).text
        except requests.RequestException:
            return False

    def close(self) -> None:
        self.process.stop()
        discard(self.directory)
