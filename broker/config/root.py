"""The whole file."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, PrivateAttr

from broker.config.access import OidcProvider, Policy, Role, SamlProvider
from broker.config.identity_pool import IdentityPool
from broker.config.pool import Pool
from broker.config.problems import Problem
from broker.config.protected import Authorize, ProtectedService
from broker.config.service import Aws, Credentials, Limits, Log, Network, Seal, Server, Store, Trace, Transient, Worker
from broker.config.values import Many, Table


class Config(Table):
    """The configuration: frozen, checked, its paths absolute and its secrets resolved."""

    server: Server = Field(default_factory=Server)
    network: Network = Field(default_factory=Network)
    worker: Worker = Field(default_factory=Worker)
    store: Store = Field(default_factory=Store)
    transient: Transient = Field(default_factory=Transient)
    seal: Seal = Field(default_factory=Seal)
    log: Log = Field(default_factory=Log)
    trace: Trace = Field(default_factory=Trace)
    limits: Limits = Field(default_factory=Limits)
    aws: Aws = Field(default_factory=Aws)
    credentials: Credentials = Field(default_factory=Credentials)
    authorize: Authorize = Field(default_factory=Authorize)
    user_pool: Many[Pool] = Field(())
    identity_pool: Many[IdentityPool] = Field(())
    role: Many[Role] = Field(())
    policy: Many[Policy] = Field(())
    oidc_provider: Many[OidcProvider] = Field(())
    saml_provider: Many[SamlProvider] = Field(())
    protected_service: Many[ProtectedService] = Field(())

    _path: Path = PrivateAttr(default=Path("crossgate.toml"))
    _master_key: str = PrivateAttr(default="")
    _warnings: tuple[Problem, ...] = PrivateAttr(default=())

    @property
    def path(self) -> Path:
        """The file that this was read from."""
        return self._path

    @property
    def base(self) -> Path:
        """The directory that relative paths start from."""
        return self._path.parent

    @property
    def master_key(self) -> str:
        """`CROSSGATE_MASTER_KEY` as the environment has it; empty means that `[seal] key_file` holds the key."""
        return self._master_key

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """What is allowed but hardly meant."""
        return self._warnings
