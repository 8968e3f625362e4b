"""What we remember of a request until its answer comes. The broker keeps it, server-side, with the login."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Literal

from providers.errors import ResponseInvalid


@dataclass(frozen=True, slots=True)
class Memo:
    """A request that was sent. `entity_id` is the IdP it was sent to: nobody else may answer it (E6, K7).

    `callback_url` is the ACS it named; `sent_at` an aware datetime; `max_age` in seconds.
    """

    request_id: str
    entity_id: str
    callback_url: str
    sent_at: datetime
    force_authn: bool = False
    authn_context: tuple[str, ...] = ()
    max_age: int | None = None
    kind: Literal["login", "logout"] = "login"

    def dump(self) -> bytes:
        """As JSON."""
        told = {field.name: getattr(self, field.name) for field in fields(self)}
        told["sent_at"] = self.sent_at.isoformat()
        return json.dumps(told, separators=(",", ":")).encode("utf-8")

    @classmethod
    def load(cls, data: bytes, kind: Literal["login", "logout"] = "login") -> Memo:
        """Raises ResponseInvalid (memo_invalid): another kind's memo, or none of ours."""
        try:
            told = json.loads(data)
            told["sent_at"] = datetime.fromisoformat(told["sent_at"])
            told["authn_context"] = tuple(told["authn_context"])
            memo = cls(**told)
        except (ValueError, TypeError, KeyError):
            raise ResponseInvalid("the memo is not one of ours", reason="memo_invalid") from None
        if memo.sent_at.tzinfo is None or memo.kind != kind:
            raise ResponseInvalid("the memo is of another kind", reason="memo_invalid")
        return memo
