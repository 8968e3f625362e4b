"""What an OpenID provider says of itself: OpenID Connect Discovery 1.0, RFC 8414."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from metadata.cache import DEFAULT_FRESHNESS, Freshness, Slot
from metadata.errors import DocumentInvalid, FetchFailed, FetchRefused
from metadata.fetch import Fetcher, Reply
from metadata.oidc.strict_json import parse_object

TENANT = "{tenantid}"
"""The place-holder in the issuer of an Entra endpoint that serves many tenants."""


@dataclass(frozen=True, slots=True)
class OpMetadata:
    """An OpenID provider's endpoints and habits. `declared_origin`, if set, is the origin that the operator vouches for."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    end_session_endpoint: str = ""
    iss_parameter: bool = False
    token_auth_methods: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    declared_origin: str = ""

    def declared(self, url: str) -> bool:
        """True if `url` shares the origin that the operator declared: the only one where a private address may be reached.

        So a discovery document, even of an IdP inside, cannot point us to another machine inside (OA-R5.7).
        """
        return bool(self.declared_origin) and origin(url) == self.declared_origin


def origin(url: str) -> str:
    """scheme://host[:port] of a URL, in lower case."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def well_known(issuer: str) -> str:
    """Where an issuer publishes its metadata (OpenID Connect Discovery 1.0, section 4: one closing slash is dropped)."""
    return issuer.removesuffix("/") + "/.well-known/openid-configuration"


def json_body(reply: Reply, what: str) -> dict[str, Any]:
    """The JSON object of a reply. Raises FetchFailed for a status but 200, FetchRefused for a redirect, DocumentInvalid."""
    if 300 <= reply.status < 400:
        raise FetchRefused(f"{what} redirects, which is not followed.", f"{reply.url}: {reply.status}")
    if reply.status != 200:
        raise FetchFailed(f"{what} could not be fetched.", f"{reply.url}: status {reply.status}")
    if reply.media_type in ("text/html", "application/xhtml+xml"):
        raise DocumentInvalid(f"{what} is a web page, not JSON.", reply.url)
    return parse_object(reply.body)


def check_endpoint(url: object, name: str, *, plain_http: bool) -> str:
    """`url` as a string, if it is https (or http, where the operator declared it). Raises DocumentInvalid."""
    if not isinstance(url, str) or not 8 < len(url) <= 2048 or any(c <= " " or c in '\\"<>' for c in url):
        raise DocumentInvalid(f"{name} is missing or not a URL.", f"{name} = {str(url)[:100]!r}")
    try:
        parts = urlsplit(url)
        good = bool(parts.hostname) and "@" not in parts.netloc and not parts.fragment
    except ValueError:
        good = False
    else:
        good = good and parts.scheme in (("https", "http") if plain_http else ("https",))
    if not good:
        raise DocumentInvalid(f"{name} must be an https URL.", f"{name} = {url[:100]!r}")
    return url


def parse_discovery(document: Mapping[str, Any], issuer: str, *, operator_declared: bool = False, tenants: bool = False) -> OpMetadata:
    """Read a discovery document. `issuer` is the configured one, to which its own must be identical (RFC 8414, section 3.3).

    With `tenants` the document's issuer may hold Entra's `{tenantid}`. Raises DocumentInvalid.
    """
    said = document.get("issuer")
    if said != issuer and not (tenants and isinstance(said, str) and TENANT in said):
        raise DocumentInvalid(
            "The provider's metadata names another issuer than the one configured.",
            f"configured {issuer!r}, the document says {str(said)[:200]!r}",
            code="issuer_mismatch",
        )
    declared_origin = origin(issuer) if operator_declared else ""

    def endpoint(name: str, required: bool = True) -> str:
        value = document.get(name)
        if not value and not required:
            return ""
        same = isinstance(value, str) and bool(declared_origin) and origin(value) == declared_origin
        return check_endpoint(value, name, plain_http=same)

    return OpMetadata(
        issuer=said,
        authorization_endpoint=endpoint("authorization_endpoint"),
        token_endpoint=endpoint("token_endpoint"),
        jwks_uri=endpoint("jwks_uri"),
        userinfo_endpoint=endpoint("userinfo_endpoint", required=False),
        end_session_endpoint=endpoint("end_session_endpoint", required=False),
        iss_parameter=document.get("authorization_response_iss_parameter_supported") is True,
        token_auth_methods=_strings(document.get("token_endpoint_auth_methods_supported")),
        scopes=_strings(document.get("scopes_supported")),
        declared_origin=declared_origin,
    )


@dataclass(frozen=True, slots=True)
class DiscoverySource:
    """Where one provider's metadata comes from, and the slot that remembers it."""

    fetch: Fetcher
    slot: Slot[OpMetadata]
    issuer: str
    operator_declared: bool = False
    tenants: bool = False
    fresh: Freshness = DEFAULT_FRESHNESS

    def get(self, now: datetime) -> OpMetadata:
        """The metadata, fetched if stale; the last good copy while the provider is down. Raises TrustError."""
        return self.slot.get(self._load, now, self.fresh)

    def _load(self) -> OpMetadata:
        url = well_known(self.issuer)
        check_endpoint(url, "issuer", plain_http=self.operator_declared)
        reply = self.fetch.get(url, operator_declared=self.operator_declared, redirects=2)
        return parse_discovery(
            json_body(reply, "The provider's metadata"),
            self.issuer,
            operator_declared=self.operator_declared,
            tenants=self.tenants,
        )


def _strings(value: object) -> tuple[str, ...]:
    return tuple(v for v in value if isinstance(v, str)) if isinstance(value, list) else ()
