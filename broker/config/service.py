"""The tables that describe the service itself: where it listens, what it stores, how it speaks to the world."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo

from broker.config.problems import Wrong, shown
from broker.config.values import (
    Bind,
    FetchedUrl,
    Kind,
    Location,
    Many,
    Origin,
    ProxyAddress,
    ReadableFile,
    Secret,
    Table,
    dereference,
    matching,
    surroundings,
)
from metadata.fetch.addresses import AllowList


def _allowed(entry: str) -> str:
    # The list knows no ports; taken for part of a host name, one would quietly match nothing.
    if re.fullmatch(r"[^:]+:[0-9]+|\[.*\]:[0-9]+", entry):
        raise Wrong(f"{shown(entry)} has a port", "give the host or address alone; all its ports are meant")
    try:
        AllowList((entry,))
    except ValueError as error:
        raise Wrong(str(error), "write a network like 10.1.0.0/16, an address, or a host name") from None
    return entry


def _store_url(value: object, info: ValidationInfo) -> str:
    url = dereference(value, surroundings(info))
    if url.startswith("sqlite:///"):
        path, _, query = url.removeprefix("sqlite:///").partition("?")
        if path in {"", ":memory:"}:
            raise Wrong("has no file", "write sqlite:///FILE; several processes share it, so it cannot live in memory")
        return f"sqlite:///{surroundings(info).base / path}" + (f"?{query}" if query else "")
    if url.startswith("postgresql+psycopg://"):
        return url
    raise Wrong("is not a database that Crossgate can use", "write sqlite:///FILE or postgresql+psycopg://USER@HOST/DATABASE")


def _transient_url(value: object, info: ValidationInfo) -> str:
    url = dereference(value, surroundings(info))
    if url and not url.startswith(("redis://", "rediss://", "unix://")):
        raise Wrong("is not a Redis that Crossgate can use", "write redis://HOST:6379/0 (rediss:// for TLS), or leave it empty")
    return url


Region = Annotated[str, matching(r"[a-z0-9]+(-[a-z0-9]+)*", "is not a region", "write it like eu-west-1 or local"), Kind("string")]
Account = Annotated[str, matching(r"[0-9]{12}", "is not an account id", "give twelve digits, in quotes"), Kind("string")]
AccessKeyId = Annotated[str, matching(r"\w{3,128}", "is not an access key id", "use 3 to 128 letters, digits and _"), Kind("string")]
StoreUrl = Annotated[str, BeforeValidator(_store_url), Kind("secret")]
TransientUrl = Annotated[str, BeforeValidator(_transient_url), Kind("secret")]
AllowEntry = Annotated[str, AfterValidator(_allowed), Kind("network or host")]


class Server(Table):
    """Where Crossgate is reached, and how it listens."""

    public_url: Origin = Field(
        "http://localhost:8080",
        description="Origin at which browsers and applications reach Crossgate: scheme, host and port, no path. https, except on this "
        "machine. The issuer of a pool is `{public_url}/{pool id}`, so changing it later changes every issuer that follows from it.",
    )
    bind: Bind = Field(
        "127.0.0.1:8080", description="Address to listen on: `HOST:PORT`, `[IPv6]:PORT` or `unix:PATH` behind a proxy on this machine."
    )
    workers: int = Field(2, ge=1, le=256, description="Worker processes. About one a core.")
    threads: int = Field(4, ge=1, le=256, description="Threads a worker: how many slow upstreams it can wait for at once.")
    trusted_proxies: Many[ProxyAddress] = Field(
        (),
        description="Your reverse proxies, as addresses or networks; `unix` stands for whoever connects to a `unix:` bind. "
        "`X-Forwarded-For`, `-Proto` and `-Host` count only if the connection comes from one.",
    )
    tls_cert: ReadableFile | None = Field(None, description="Certificate chain (PEM), if Crossgate itself speaks TLS. Needs `tls_key`.")
    tls_key: ReadableFile | None = Field(None, description="Private key (PEM) of `tls_cert`.")
    admin_url: Origin | None = Field(None, description="Origin of the operator's console. Without it there is no console.")
    metrics_bind: Bind | None = Field(
        None,
        description="Address on which Prometheus may fetch `/metrics`. Keep it private: it needs no password. Without it there are none.",
    )
    drain_seconds: int = Field(30, ge=1, le=600, description="How long requests in flight may still take after SIGTERM.")


class Network(Table):
    """How Crossgate reaches others: metadata, discovery, token endpoints, webhooks."""

    allow: Many[AllowEntry] = Field(
        (),
        description="Private networks, addresses or host names that may be reached, for URLs declared in this file only. Everything else "
        "that "
        "is not a public address is refused, so that nobody can make Crossgate knock at doors inside your network.",
    )
    ca_file: ReadableFile | None = Field(None, description="Certificates (PEM) of private authorities, trusted beside the public ones.")
    timeout_seconds: float = Field(10.0, gt=0, le=60, description="Time a whole request to an upstream may take.")


class Worker(Table):
    """The background worker: refreshes metadata, rotates keys, expires rows, delivers logouts."""

    external: bool = Field(False, description="`true` if you run `crossgate worker` yourself; otherwise `serve` runs one of its own.")


class Store(Table):
    """Durable state: users, settings, sessions, refresh tokens, keys, traces."""

    url: StoreUrl = Field(
        "sqlite:///crossgate.db",
        validate_default=True,
        repr=False,
        description="`sqlite:///FILE` (relative to this file; four slashes for an absolute path) or "
        "`postgresql+psycopg://USER@HOST/DATABASE`.",
    )


class Transient(Table):
    """Short-lived state: logins in flight, codes, rate counters."""

    url: TransientUrl = Field("", repr=False, description="`redis://HOST:6379/0`, or empty to keep it in the store.")


class Seal(Table):
    """Encryption at rest of keys, secrets and traces."""

    key_file: Location = Field(
        Path("crossgate.key"),
        validate_default=True,
        description="File with the master key, made at first start (mode 0600). The environment's `CROSSGATE_MASTER_KEY` wins over it. "
        "Back it up apart from the database: without it nothing that is sealed can be opened.",
    )


class Log(Table):
    """What is written where."""

    level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least severe messages that are logged.")
    format: Literal["text", "json"] = Field("text", description="`json` writes one object a line.")
    audit_file: Location | None = Field(
        None, description="File to append audit events to, one JSON object a line; without it they join the log."
    )


class Trace(Table):
    """The story of each sign-in, kept for whoever must explain it."""

    retention_days: int = Field(7, ge=1, le=365, description="Days that a trace is kept. A pool may differ.")
    evidence: bool = Field(
        True, description="Also keep the verified message and attributes, sealed under a key per user and erased with him."
    )


class Limits(Table):
    """Requests a minute. 0 lifts a limit. Beyond it the answer is 429 with Retry-After."""

    authorize_per_address: int = Field(600, ge=0, description="Starts of sign-ins from one address. Whole offices share one.")
    authorize_per_client: int = Field(6000, ge=0, description="Starts of sign-ins at one app client.")
    callback_per_address: int = Field(600, ge=0, description="Answers of identity providers from one address.")
    callback_per_client: int = Field(6000, ge=0, description="Answers of identity providers for one app client.")
    token_per_address: int = Field(3000, ge=0, description="Token requests from one address.")
    token_per_client: int = Field(6000, ge=0, description="Token requests of one app client.")
    identity_per_address: int = Field(3000, ge=0, description="Unsigned calls to identity pools and to the STS from one address.")


class AccessKey(Table):
    """An admin key pair for signed AWS API calls."""

    id: AccessKeyId = Field(description="Access key id, like `CROSSGATEADMIN`.")
    secret: Secret = Field(repr=False, description="Secret access key.")


class Aws(Table):
    """What the AWS faces call themselves."""

    region: Region = Field("us-east-1", description="Region in ARNs, identity ids and signatures.")
    account_id: Account = Field("000000000000", description="Account in ARNs: twelve digits, in quotes.")
    access_keys: Many[AccessKey] = Field((), description="Admin key pairs: a list of `{ id, secret }`.")


class Credentials(Table):
    """Who hands out the credentials of identity pools."""

    issuer: Literal["embedded", "sts"] = Field(
        "embedded", description="Our own STS, or one that takes AssumeRoleWithWebIdentity: AWS itself, Ceph, SeaweedFS, MinIO."
    )
    sts_endpoint: FetchedUrl | None = Field(None, description="Address of that STS, like `https://sts.eu-west-1.amazonaws.com`.")
    timeout_seconds: float = Field(5.0, gt=0, le=60, description="Time that one try at that STS may take. There are three.")
