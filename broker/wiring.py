"""The composition root: every concrete class is named here, once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

from broker.config import Config
from broker.flows.access_kit import AccessKit, Account
from broker.flows.kit import Addresses, FlowKit
from broker.flows.upstreams import BuiltProviders
from broker.guard.rates import Limit, RateGuard
from broker.identitypool.issuers.embedded import EmbeddedIssuer
from broker.identitypool.issuers.session_token import SessionTokens
from broker.identitypool.issuers.sts import LIMITS, StsIssuer
from broker.model.settings import UserPool
from broker.ports.credentials import CredentialIssuer
from broker.ports.environment import Clock, Seal
from broker.ports.store import Settings, Store
from broker.ports.transient import Transient
from broker.seal.keyfile import load_or_make
from broker.seal.master import MasterSeal, parse_keys
from broker.services import Services
from broker.services.access import AccessServices
from broker.stores.open import open_store, open_transient
from broker.stores.settings import CachedSettings
from broker.system.audit import AuditLog
from broker.system.clock import SystemClock, SystemRandom
from broker.tokens.issue import TokenIssuer
from broker.tokens.keys import KeyRing
from broker.tokens.verify import TokenVerifier
from broker.web.context import current_request_id
from broker.web.tenancy import origins_of
from metadata.fetch import Fetcher, Limits
from providers.base import Toolbox

__all__ = ["Wired", "build"]

# What the command line does with a database as a whole (`broker.cli.prepare.Database`), and where it is.
DATABASE = {
    "backup": "broker.stores.sql.backup",
    "current": "broker.stores.sql.migrate",
    "migrate": "broker.stores.sql.migrate",
    "restore": "broker.stores.sql.backup",
}


def __getattr__(name: str) -> Any:
    """One of these, imported when it is asked for: Alembic takes a quarter of a second, and no web worker has a use for it."""
    if name not in DATABASE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(DATABASE[name]), name)


@dataclass(frozen=True, slots=True)
class Wired:
    """A broker, ready to serve or to be asked. Nothing has connected yet."""

    config: Config
    seal: Seal
    clock: Clock
    store: Store
    transient: Transient
    settings: Settings
    fetch: Fetcher
    services: Services

    @property
    def kit(self) -> FlowKit:
        """The flows' tools."""
        return self.services.kit


@dataclass(frozen=True, slots=True)
class ConfiguredAddresses(Addresses):
    """Our own addresses, from `[server] public_url` and the pools' domains."""

    public_url: str

    def issuer(self, pool: UserPool) -> str:
        return pool.issuer or f"{self.public_url}/{pool.id}"

    def bases(self, pool: UserPool) -> tuple[str, ...]:
        return origins_of(pool, self.public_url)

    def canonical(self, pool: UserPool) -> str:
        return self.bases(pool)[0]


def build(config: Config, clock: Clock | None = None) -> Wired:
    """Put a broker together, under the machine's clock unless another is given. Makes the master key file at first start.

    Raises ConfigError for a store or a key that cannot be used.
    """
    clock, random = clock or SystemClock(), SystemRandom()
    seal = MasterSeal(parse_keys(config.master_key) if config.master_key else load_or_make(config.seal.key_file))
    store = open_store(config.store.url, seal, clock)
    transient = open_transient(config.transient.url, store, clock)
    settings = CachedSettings(store, clock)
    fetch = Fetcher(config.network.allow, Limits(total=config.network.timeout_seconds), _ca_file(config))
    public_url = config.server.public_url.rstrip("/")
    keys = KeyRing(settings, store, clock)
    addresses = ConfiguredAddresses(public_url)
    kit = FlowKit(
        store=store,
        transient=transient,
        settings=settings,
        clock=clock,
        random=random,
        audit_sink=AuditLog(config.log.audit_file).opened(),
        providers=BuiltProviders(keys, addresses, Toolbox(clock=clock.now, fetch=fetch, token=random.token)),
        addresses=addresses,
        keys=keys,
        issuer=TokenIssuer(keys, random),
        verifier=TokenVerifier(keys, settings, clock, addresses.issuer),
        rates=RateGuard(transient, _limits(config), clock),
        request_id=current_request_id,
        keep_evidence=config.trace.evidence,
    )
    return Wired(
        config, seal, clock, store, transient, settings, fetch, Services(kit, AccessServices(_access_kit(config, kit, seal, fetch)))
    )


def _access_kit(config: Config, kit: FlowKit, seal: Seal, fetch: Fetcher) -> AccessKit:
    identity_base = f"{config.server.public_url.rstrip('/')}/identity"
    tokens = SessionTokens(seal)
    credentials: CredentialIssuer
    if config.credentials.sts_endpoint is not None:
        limits = replace(LIMITS, total=config.credentials.timeout_seconds)
        credentials = StsIssuer(config.credentials.sts_endpoint, fetch, kit.clock, limits)
    else:
        credentials = EmbeddedIssuer(config.aws.account_id, identity_base, kit.settings, kit.clock, kit.random, tokens)
    return AccessKit(
        base=kit,
        account=Account(config.aws.region, config.aws.account_id),
        identity_base=identity_base,
        credentials=credentials,
        tokens=tokens,
        fetch=fetch,
        admin_keys={key.id: key.secret for key in config.aws.access_keys},
    )


def _ca_file(config: Config) -> str | None:
    return str(config.network.ca_file) if config.network.ca_file else None


def _limits(config: Config) -> dict[str, Limit]:
    limits = config.limits
    return {
        "authorize": Limit(limits.authorize_per_address),
        "authorize_client": Limit(limits.authorize_per_client),
        "callback": Limit(limits.callback_per_address),
        "callback_client": Limit(limits.callback_per_client),
        "token": Limit(limits.token_per_address),
        "token_client": Limit(limits.token_per_client),
        "identity": Limit(limits.identity_per_address),
    }
