"""The way out, in the words of a provider: what goes wrong with a fetch becomes a ProviderError."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from metadata.errors import DocumentInvalid, FetchFailed, FetchRefused, FetchTimeout, TrustError
from metadata.fetch import Reply
from metadata.oidc.strict_json import parse_object
from providers.errors import ProviderError, ProviderMisconfigured, UpstreamUnavailable


@contextmanager
def upstream(what: str) -> Iterator[None]:
    """Translate the errors of the floor below. `what` names the thing that was wanted, as `token_endpoint`; it starts the reason.

    Raises UpstreamUnavailable (slow, down, nonsense) or ProviderMisconfigured (refused by our own rules, or not to be believed).
    """
    try:
        yield
    except FetchTimeout as e:
        raise UpstreamUnavailable(e.private, reason=f"{what}_timeout") from None
    except FetchRefused as e:
        raise ProviderMisconfigured(e.private, reason=f"{what}_refused") from None
    except FetchFailed as e:
        raise UpstreamUnavailable(e.private, reason=f"{what}_failed") from None
    except DocumentInvalid as e:
        reason = f"{what}_invalid" if e.code == DocumentInvalid.code else e.code
        raise ProviderMisconfigured(e.private, reason=reason) from None
    except TrustError as e:
        raise ProviderError(e.private, reason=f"{what}_{e.code}") from None


def json_reply(reply: Reply, what: str) -> dict[str, Any]:
    """The JSON object of a 200. A redirect was not followed and is nonsense here. Raises UpstreamUnavailable."""
    if reply.status != 200:
        raise UpstreamUnavailable(f"{what}: status {reply.status}", reason=f"{what}_status")
    try:
        return parse_object(reply.body)
    except DocumentInvalid as e:
        raise UpstreamUnavailable(f"{what}: {e.private}", reason=f"{what}_not_json") from None


def cleaned(text: str, limit: int = 200) -> str:
    """An upstream's own words made safe to log and to show: printable, one line, at most `limit` characters (OA-R3.10)."""
    return "".join(c if c.isprintable() else " " for c in text[: limit * 2]).strip()[:limit]
