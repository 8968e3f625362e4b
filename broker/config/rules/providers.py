"""Rules about providers (spec B.6, B.8)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import MappingProxyType

from broker.config.addresses import is_loopback, split
from broker.config.problems import shown
from broker.config.provider import Provider
from broker.config.rules.finding import Finding, PoolAt

# The AWS API knows these names as types: somebody who reads `Google` in a token must not be misled.
RESERVED = MappingProxyType({"google": "google", "facebook": "facebook", "loginwithamazon": "amazon", "signinwithapple": "apple"})
IDENTIFIER = re.compile(r"[\w\s+=.@-]{1,40}")
METADATA = ("metadata_file", "metadata_url", "metadata")


def each(at: PoolAt) -> Iterator[tuple[str, Provider]]:
    """The pool's providers and their tables."""
    for provider in at.pool.provider:
        yield at.inner("provider", provider.name), provider


def names_are_allowed(at: PoolAt) -> Iterator[Finding]:
    """A name begins user names (`Name_subject`), so `_` and blanks may not stand at its ends; some names are taken."""
    for table, provider in each(at):
        name, folded = provider.name, provider.name.casefold()
        if name != name.strip() or name.startswith("_") or name.endswith("_") or not name.isprintable():
            yield Finding(table, "name", "begins or ends with _ or a blank, or has control characters", "choose another name")
        if folded == "cognito":
            yield Finding(table, "name", "is the name of the pool's own directory", "choose another name")
        elif RESERVED.get(folded, provider.kind) != provider.kind:
            yield Finding(table, "name", f'is reserved for kind = "{RESERVED[folded]}"', "choose another name")


def identifiers_lead_to_one(at: PoolAt) -> Iterator[Finding]:
    """An identifier routes to one provider; its case does not matter."""
    owners: dict[str, str] = {}
    for table, provider in each(at):
        for identifier in provider.identifiers:
            if not IDENTIFIER.fullmatch(identifier):
                yield Finding(
                    table, "identifiers", f"{shown(identifier)} is not an identifier", "use 1 to 40 letters, digits, blanks and + = . @ -"
                )
            owner = owners.setdefault(identifier.lower(), provider.name)
            if owner != provider.name:
                yield Finding(table, "identifiers", f"{shown(identifier)} leads to {owner} already", "remove it from one of the two")


def linking_has_domains(at: PoolAt) -> Iterator[Finding]:
    """Joining profiles by address is safe only for addresses that the provider's organization owns."""
    for table, provider in each(at):
        if provider.link_verified_email and not provider.domains:
            yield Finding(
                table,
                "link_verified_email",
                "needs the domains that belong to this provider",
                'add domains = ["example.com"], or remove it',
            )


def metadata_is_one(at: PoolAt) -> Iterator[Finding]:
    """A SAML provider has exactly one source of trust; other kinds have none of this sort."""
    for table, provider in each(at):
        given = [key for key in METADATA if getattr(provider, key) is not None]
        if provider.kind == "saml" and len(given) != 1:
            what = f"{' and '.join(given)} are given" if given else "metadata_file is missing"
            yield Finding(table, given[-1] if given else "metadata_file", what, f"give exactly one of {', '.join(METADATA)}")
        if provider.kind != "saml" and given:
            yield Finding(table, given[0], f'is for kind = "saml", not {shown(provider.kind)}', "remove it, or correct kind")
        url = provider.metadata_url
        if url is not None and url.startswith("http:") and not is_loopback(split(url).hostname or ""):
            what = "is plain http: whoever is on the way can replace the keys that we trust"
            yield Finding(table, "metadata_url", what, "use https", warning=True)
