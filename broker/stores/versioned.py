"""What the adapters here offer beyond the ports."""

from __future__ import annotations

from typing import Protocol

from broker.ports.store import Store


class VersionedStore(Store, Protocol):
    """A store that tells when settings have changed, so that a cache need not ask for the settings themselves."""

    def version(self, pool_id: str) -> int:
        """Grows with every write of the pool's settings or keys; for the empty id, of the pools' own records. Raises Unavailable."""
        ...

    def close(self) -> None:
        """Close idle connections; a later use opens new ones."""
        ...
