"""What an adapter must remember between the two halves of a login. The broker keeps it; the browser never sees it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field

from providers.base import ProviderSpec
from providers.errors import ResponseInvalid

UNPROVEN = "a new sign-in was asked for, and the provider did not say when the user signed in"
"""The note of an identity whose freshness was wanted and is not proved."""


@dataclass(frozen=True, slots=True)
class Memo:
    """`started` is a Unix time in seconds; `mode` the response mode that was asked for; `fresh` says that a
    new sign-in was demanded (prompt=login); the rest as their specs name them."""

    pool_id: str
    provider_id: str
    handle: str
    issuer: str
    redirect_uri: str
    mode: str
    started: int
    verifier: str = field(repr=False)
    nonce: str = field(default="", repr=False)
    max_age: int | None = None
    fresh: bool = False
    acr_values: tuple[str, ...] = ()

    def pack(self) -> bytes:
        """As the broker stores it."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def unpack(cls, data: bytes | None, spec: ProviderSpec) -> Memo:
        """Read a memo back. Raises ResponseInvalid: there is none (nobody asked), or it is of another provider (mix-up, OA-R3.2)."""
        if data is None:
            raise ResponseInvalid("an answer that nobody asked for", reason="unsolicited")
        try:
            fields = json.loads(data)
            fields["acr_values"] = tuple(fields["acr_values"])
            memo = cls(**fields)
        except (ValueError, TypeError, KeyError):
            raise ResponseInvalid("the memo is not ours", reason="memo_invalid") from None
        if (memo.pool_id, memo.provider_id) != (spec.pool_id, spec.provider_id):
            raise ResponseInvalid(
                f"the login was begun at {memo.provider_id}, the answer came for {spec.provider_id}",
                reason="provider_mismatch",
            )
        return memo
