"""Rules about providers (spec B.6, B.8)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from types import MappingProxyType

from broker.config.addresses import is_loopback, split
from broker.config.declare import provider_record
from broker.config.kinds import known_options
from broker.config.problems import Wrong, nearest, shown
from broker.config.provider import Provider
from broker.config.rules.finding import Finding, PoolAt
from broker.flows.pool.validate import Complaint, complaints
from providers import catalog

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
            what = f"stands beside {given[0]}" if given else "is missing: a SAML provider needs its IdP's metadata"
            yield Finding(table, given[-1] if given else "metadata_file", what, f"give exactly one of {', '.join(METADATA)}")
        if provider.kind != "saml" and given:
            yield Finding(table, given[0], f'is for kind = "saml", not {shown(provider.kind)}', "remove it, or correct kind")
        url = provider.metadata_url
        if url is not None and url.startswith("http:") and not is_loopback(split(url).hostname or ""):
            what = "is plain http: whoever is on the way can replace the keys that we trust"
            yield Finding(table, "metadata_url", what, "use https", warning=True)


def options_fit_the_kind(at: PoolAt) -> Iterator[Finding]:
    """The kind checks its own keys. Metadata that is still to be fetched cannot be checked here."""
    for table, provider in each(at):
        if provider.kind not in catalog.KINDS:
            yield Finding(table, "kind", f"there is no kind {shown(provider.kind)}", nearest(provider.kind, catalog.KINDS))
            continue
        if provider.kind == "saml" and sum(getattr(provider, key) is not None for key in METADATA) != 1:
            continue
        try:
            record = provider_record(at.pool.id, provider)
        except Wrong:
            continue  # the mapping; said by its own rule
        for complaint in complaints(record, datetime.now(UTC)):
            yield _of_the_kind(table, provider, complaint)


def _of_the_kind(table: str, provider: Provider, complaint: Complaint) -> Finding:
    """The kind's own words, with its key in the place of ours and the remedy where we know one better."""
    named = re.fullmatch(r"([a-z][\w.]*)(?:: | (?=is |must |needs ))(.*)", complaint.text, re.DOTALL)
    key, what = (named[1], named[2]) if named else ("", complaint.text)
    if key == "metadata":
        return _of_the_document(table, provider, what, complaint.passing)
    if what == "Extra inputs are not permitted":
        known = {*type(provider).model_fields, *known_options(provider.kind)}
        return Finding(table, key, f'there is no such key for kind = "{provider.kind}"', nearest(key, known))
    if what == "Field required":
        return Finding(table, key, "is missing", "add it")
    return Finding(table, key, f"{what[:1].lower()}{what[1:]}", f'see kind = "{provider.kind}" in the configuration reference')


def _of_the_document(table: str, provider: Provider, what: str, passing: bool) -> Finding:
    """The reader of metadata says itself what to do; here is which document it means."""
    if provider.metadata_file is not None:
        what = f"{provider.metadata_file.path}: {what}"
    return Finding(table, "metadata_file" if provider.metadata_file else "metadata", what.rstrip("."), "", passing)
