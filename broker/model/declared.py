"""Everything that a configuration file declares, as records."""

from __future__ import annotations

from dataclasses import dataclass

from broker.model.settings import AppClient, Group, ProviderRecord, ResourceServer, UserPool


@dataclass(frozen=True, slots=True)
class Declared:
    """The records of one file, owner `file`. Order is the file's."""

    pools: tuple[UserPool, ...] = ()
    clients: tuple[AppClient, ...] = ()
    providers: tuple[ProviderRecord, ...] = ()
    resource_servers: tuple[ResourceServer, ...] = ()
    groups: tuple[Group, ...] = ()
