"""OpenID issuers that roles and identity pools may trust (API `CreateOpenIDConnectProvider` and its kin).

Thumbprints are taken and ignored: the issuer's certificate is verified against certificate authorities, which is stricter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from broker.api_errors import InvalidParameter, LimitExceeded, NoSuchEntity
from broker.flows.access_kit import AccessKit
from broker.flows.iam import records
from broker.flows.iam.roles import check_tags
from broker.identitypool.policy import arns
from broker.model.iam import IAM, OidcProvider
from broker.model.sts import Caller
from broker.ports.store import Unit

MAX_CLIENTS = 100
_MAX_CLIENT = 255


@dataclass(frozen=True, slots=True)
class OidcAsk:
    """CreateOpenIDConnectProvider. `url` is the issuer, with its scheme."""

    url: str
    client_ids: tuple[str, ...] = ()
    tags: Sequence[tuple[str, str]] = ()


def create(kit: AccessKit, by: Caller, ask: OidcAsk) -> str:
    """Returns the ARN. Raises InvalidParameter, EntityExists, LimitExceeded. Nothing is fetched yet."""
    url = _checked(ask.url)
    clients = tuple(dict.fromkeys(_client(client) for client in ask.client_ids))
    _check_count(clients)
    check_tags(ask.tags)
    arn = _arn(kit, url)
    provider = OidcProvider(url, clients, dict(ask.tags), kit.base.now(), owner="api")
    records.create(kit, lambda unit: unit.oidc_providers, provider, "provider", url)
    records.tell(kit, by, "oidc_provider.created", provider=arn)
    return arn


def get(kit: AccessKit, arn: str) -> OidcProvider:
    """Raises NoSuchEntity."""
    with kit.base.store.unit() as unit:
        return _provider(kit, unit, arn)


def list_all(kit: AccessKit) -> Sequence[str]:
    """The ARNs of all of them."""
    with kit.base.store.unit() as unit:
        return [_arn(kit, provider.url) for provider in records.everything(unit.oidc_providers, lambda provider: provider.url)]


def delete(kit: AccessKit, by: Caller, arn: str) -> None:
    """Roles that trust it stay, and trust nobody by it any more. Raises NoSuchEntity, Unmodifiable."""
    with records.writing(kit) as unit:
        provider = records.ours(_provider(kit, unit, arn), "provider", arn)
        unit.oidc_providers.delete(IAM, provider.url)
    records.tell(kit, by, "oidc_provider.deleted", provider=arn)


def add_client(kit: AccessKit, by: Caller, arn: str, client_id: str) -> None:
    """Adding one twice is once. Raises NoSuchEntity, Unmodifiable, InvalidParameter, LimitExceeded."""
    _client(client_id)
    _change(kit, arn, lambda known: tuple(dict.fromkeys((*known, client_id))))
    records.tell(kit, by, "oidc_provider.client_added", provider=arn, audience=client_id)


def remove_client(kit: AccessKit, by: Caller, arn: str, client_id: str) -> None:
    """Removing one that is not there is no error. Raises NoSuchEntity, Unmodifiable."""
    _change(kit, arn, lambda known: tuple(each for each in known if each != client_id))
    records.tell(kit, by, "oidc_provider.client_removed", provider=arn, audience=client_id)


def _change(kit: AccessKit, arn: str, change: Callable[[tuple[str, ...]], tuple[str, ...]]) -> None:
    with records.writing(kit) as unit:
        provider = records.ours(_provider(kit, unit, arn), "provider", arn)
        clients = change(provider.client_ids)
        _check_count(clients)
        unit.oidc_providers.put(replace(provider, client_ids=clients))


def _provider(kit: AccessKit, unit: Unit, arn: str) -> OidcProvider:
    provider = None
    try:
        url = arns.parse_oidc_provider(arn)
    except ValueError:
        url = ""
    if url and arns.account_of(arn) == kit.account.id:
        provider = unit.oidc_providers.get(IAM, url)
    if provider is None:
        raise NoSuchEntity(f"no {arn}", public=f"OpenIDConnect Provider not found for arn {arn}")
    return provider


def _arn(kit: AccessKit, url: str) -> str:
    return arns.oidc_provider(kit.account.id, url.partition("://")[2] or url)


def _checked(url: str) -> str:
    """The issuer without its scheme. Only the operator's file may name one without TLS."""
    try:
        parts = urlsplit(url)
        good = parts.scheme == "https" and bool(parts.hostname) and "@" not in parts.netloc and not parts.query and not parts.fragment
        arns.oidc_provider("000000000000", url)
    except ValueError:
        good = False
    if not good:
        raise InvalidParameter(f"issuer {url[:100]!r}", public="Invalid Open ID Connect Provider URL")
    return url.removeprefix("https://")


def _client(client_id: str) -> str:
    if not 1 <= len(client_id) <= _MAX_CLIENT or not client_id.isprintable():
        raise InvalidParameter("a client id that is empty, too long or not printable", public="The client ID is malformed.")
    return client_id


def _check_count(clients: tuple[str, ...]) -> None:
    if len(clients) > MAX_CLIENTS:
        words = f"Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: {MAX_CLIENTS}"
        raise LimitExceeded(words, public=words)
