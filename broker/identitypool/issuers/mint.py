"""The credentials of a session: an access key id, a secret, and the token that holds both (spec E.4 "Credentials")."""

from __future__ import annotations

from base64 import b32encode, urlsafe_b64decode
from dataclasses import replace

from broker.identitypool.issuers.session_token import SessionTokens
from broker.model.sts import Credentials, StsSession
from broker.ports.environment import Random

TEMPORARY = "ASIA"
"""How the access key id of a session begins. Long-term keys begin with AKIA."""


def mint(tokens: SessionTokens, random: Random, session: StsSession) -> Credentials:
    """Credentials for a session whose `access_key_id` is still to be given. Nothing of them is written anywhere."""
    key_id = TEMPORARY + b32encode(urlsafe_b64decode(random.token(10) + "==")).decode("ascii")
    secret = random.token(30)
    token = tokens.seal(replace(session, access_key_id=key_id), secret)
    return Credentials(key_id, secret, token, session.expires_at)
