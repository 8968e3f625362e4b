"""The AWS SDK for JavaScript: fromCognitoIdentityPool, as a web application uses it, then calls signed with what came."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.parties.kit.identity_pool import ACCOUNT, LOGIN, REGION, IdentityPools, role_arn
from tests.parties.kit.node import node

pytestmark = pytest.mark.parties


def ask(pools: IdentityPools, folder: Path, **settings: Any) -> dict[str, Any]:
    file = folder / "settings.json"
    file.write_text(json.dumps({"endpoint": pools.endpoint, "region": REGION, "pool": pools.pool, **settings}))
    done = subprocess.run([*node("identity_pool.mjs"), str(file)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_a_user(pools: IdentityPools, tmp_path: Path) -> None:
    """With the ID token of a real sign-in: the role of the rule, for an hour, and the same identity again."""
    said = ask(pools, tmp_path, logins=pools.logins("alice"))
    assert "error" not in said, said
    assert (said["account"], said["arn"]) == (ACCOUNT, f"arn:aws:sts::{ACCOUNT}:assumed-role/writer/CognitoIdentityCredentials")
    assert said["identity"] == said["again"]
    assert said["seconds"] == pytest.approx(3600, abs=60)
    assert said["describe"] == "AccessDeniedException"
    assert said["classic"] == "InvalidParameterException"  # the classic flow is off
    assert said["forged"] == "SignatureDoesNotMatch"


def test_a_guest(pools: IdentityPools, tmp_path: Path) -> None:
    """Without a login: the guests' role, and an identity of his own each time."""
    said = ask(pools, tmp_path)
    assert "error" not in said, said
    assert said["arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/guest/CognitoIdentityCredentials"
    assert said["identity"].startswith(f"{REGION}:")
    assert said["again"] != said["identity"]


def test_refusals_reach_the_application(pools: IdentityPools, tmp_path: Path) -> None:
    """By the names that the SDK documents: a token that was tampered with, and a role that nobody gave."""
    forged = ask(pools, tmp_path, logins={LOGIN: pools.id_token("alice")[:-8] + "AAAAAAAA"})
    assert forged["error"] == "NotAuthorizedException", forged
    assert ask(pools, tmp_path, logins=pools.logins("bob"), role=role_arn("writer"))["error"] == "NotAuthorizedException"
