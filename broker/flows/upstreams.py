"""Built providers: made when first needed, kept while their record, our keys and our addresses stay the same, oldest out first.

Building one costs milliseconds (metadata parsed, keys loaded) and memory, and a pool may have thousands.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass

from broker.flows.kit import Addresses
from broker.flows.start_login import callback_path
from broker.model.settings import ProviderRecord, UserPool
from broker.tokens.keys import KeyRing
from providers.base import Provider, ProviderSpec, Toolbox
from providers.catalog import build

KEPT = 500


def saml_entity_id(pool: UserPool) -> str:
    """Our entity id as a service provider (spec 0). A trust document names it, so it never depends on an address."""
    return f"urn:amazon:cognito:sp:{pool.id}"


@dataclass(frozen=True, slots=True)
class _Kept:
    fingerprint: tuple[object, ...]
    provider: Provider


class BuiltProviders:
    """An LRU of providers; thread-safe. Satisfies `broker.flows.kit.ProviderSource`."""

    def __init__(self, keys: KeyRing, addresses: Addresses, tools: Toolbox) -> None:
        self._keys = keys
        self._addresses = addresses
        self._tools = tools
        self._kept: OrderedDict[tuple[str, str], _Kept] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, pool: UserPool, record: ProviderRecord) -> Provider:
        """The provider of a record as it is now. Raises providers.errors.ProviderMisconfigured."""
        name = (pool.id, record.id)
        fingerprint = self._fingerprint(pool, record)
        with self._lock:
            kept = self._kept.get(name)
            if kept is not None and kept.fingerprint == fingerprint:
                self._kept.move_to_end(name)
                return kept.provider
        provider = build(self._spec(pool, record), self._tools)
        with self._lock:
            self._kept[name] = _Kept(fingerprint, provider)
            self._kept.move_to_end(name)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return provider

    def _fingerprint(self, pool: UserPool, record: ProviderRecord) -> tuple[object, ...]:
        kids: tuple[object, ...] = ()
        if record.kind == "saml":
            pairs = (*self._keys.key_pairs(pool.id, "saml_signing"), *self._keys.key_pairs(pool.id, "saml_decryption"))
            kids = tuple(pair.kid for pair in pairs)
        # Records are read anew whenever anything of the pool changes; an equal one builds the same provider.
        return (record, pool.domain, kids)

    def _spec(self, pool: UserPool, record: ProviderRecord) -> ProviderSpec:
        bases = self._addresses.bases(pool)
        path = callback_path(record.kind)
        is_saml = record.kind == "saml"
        signing = self._keys.key_pairs(pool.id, "saml_signing")
        return ProviderSpec(
            pool_id=pool.id,
            provider_id=record.id,
            name=record.name,
            kind=record.kind,
            options=record.options,
            secrets=record.secrets,
            entity_id=saml_entity_id(pool),
            callback_urls=tuple(base + path for base in bases),
            logout_urls=tuple(base + ("/saml2/logout" if is_saml else "/signedout") for base in bases),
            signing_key=signing[0] if signing else None,
            decryption_keys=self._keys.key_pairs(pool.id, "saml_decryption") if is_saml else (),
            operator_declared=record.operator_declared,
        )
