"""Rules about the service's own tables."""

from __future__ import annotations

from collections.abc import Iterator

from broker.config.root import Config
from broker.config.rules.finding import Finding, repeated


def tls_is_a_pair(config: Config) -> Iterator[Finding]:
    """A certificate is nothing without its key."""
    server = config.server
    if (server.tls_cert is None) != (server.tls_key is None):
        given, missing = ("tls_cert", "tls_key") if server.tls_cert else ("tls_key", "tls_cert")
        yield Finding("[server]", missing, f"is missing, though {given} is given", "give both, or neither")
    if server.tls_cert and server.public_url.startswith("http:"):
        yield Finding("[server]", "public_url", "is plain http, though tls_cert is given", "write it with https")


def console_has_its_own_host(config: Config) -> Iterator[Finding]:
    """The console's cookies must not be within reach of the pages that strangers see."""
    server = config.server
    if server.admin_url is not None and server.admin_url == server.public_url:
        yield Finding("[server]", "admin_url", "is the same as public_url", "give the console a host name, or a port, of its own")


def proxy_of_a_socket_is_trusted(config: Config) -> Iterator[Finding]:
    """Behind a Unix socket nobody has an address but by the proxy's word: untrusted, all users would share one rate limit."""
    server = config.server
    if server.bind.startswith("unix:") and "unix" not in server.trusted_proxies:
        what = 'lacks "unix", so every user has the same unknown address and shares the limits of one'
        yield Finding("[server]", "trusted_proxies", what, 'add "unix", for the proxy at the other end of the socket', warning=True)


def access_keys_differ(config: Config) -> Iterator[Finding]:
    """Two secrets under one id would make the second one unreachable."""
    for name in repeated(key.id for key in config.aws.access_keys):
        yield Finding("[aws]", "access_keys", f"{name} is listed twice", "remove one of them")
