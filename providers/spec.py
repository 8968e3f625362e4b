"""What a provider is built from: its settings, our keys, and the tools it may use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from metadata.cache import TrustCache


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A private key of ours and its certificate, both PEM. `kid` is the key's id in our own key store."""

    kid: str
    private_pem: str = field(repr=False)
    certificate_pem: str = ""
    alg: str = "RS256"


@dataclass(frozen=True, slots=True)
class ProviderSpec:
    """A provider's settings as the broker stores them. Each kind checks `options` and `secrets` against its own options class.

    `entity_id` is our own SAML entity id, `callback_urls` every ACS or redirect URI of this pool, the preferred one first.
    `operator_declared` says that the operator himself wrote the URLs in here (file, not a customer's form): only then may they be plain
    http, or lead to a private address that `[network] allow` names.
    """

    pool_id: str
    provider_id: str
    name: str
    kind: str
    options: Mapping[str, Any]
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    entity_id: str = ""
    callback_urls: tuple[str, ...] = ()
    logout_urls: tuple[str, ...] = ()
    signing_key: KeyPair | None = None
    decryption_keys: tuple[KeyPair, ...] = ()
    operator_declared: bool = False


@dataclass(frozen=True, slots=True)
class Toolbox:
    """What an adapter needs of the world. `fetch` is `metadata.fetch.Fetcher`, the only way out; `token(n)` gives n random bytes.

    `cache` keeps fetched trust documents between two adapters built from the same spec: make one Toolbox a process.
    """

    clock: Callable[[], datetime]
    fetch: Any
    token: Callable[[int], str]
    cache: TrustCache = field(default_factory=TrustCache)
