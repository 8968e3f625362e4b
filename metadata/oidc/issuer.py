"""The keys of an issuer whose tokens we only verify: nobody signs in there through us, so its discovery document needs no endpoints.

Kubernetes, CI services and identity pools publish such documents: an issuer, and where its keys are.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from metadata.cache import DEFAULT_FRESHNESS, Freshness, TrustCache
from metadata.errors import DocumentInvalid
from metadata.fetch import Fetcher
from metadata.oidc.discovery import check_endpoint, json_body, origin, well_known
from metadata.oidc.jwks import KeySource, VerifyKey


@dataclass(frozen=True, slots=True)
class IssuerKeys:
    """One issuer's keys, remembered in `cache`. With `operator_declared` its origin, and no other, may be one inside."""

    fetch: Fetcher
    cache: TrustCache
    issuer: str
    operator_declared: bool = False
    fresh: Freshness = DEFAULT_FRESHNESS

    def find(self, kid: str | None, alg: str, now: datetime) -> tuple[VerifyKey, ...]:
        """The keys to try for a token; as KeySource.find. Raises TrustError."""
        slot = self.cache.slot("issuer", self.issuer, self.operator_declared)
        url: str = slot.get(self._jwks_uri, now, self.fresh)
        inside = self.operator_declared and origin(url) == origin(self.issuer)
        keys = self.cache.slot("issuer keys", self.issuer, url, inside)
        return KeySource(self.fetch, keys, url, operator_declared=inside, fresh=self.fresh).find(kid, alg, now)

    def _jwks_uri(self) -> str:
        url = check_endpoint(well_known(self.issuer), "issuer", plain_http=self.operator_declared)
        reply = self.fetch.get(url, operator_declared=self.operator_declared, redirects=2)
        document = json_body(reply, "The issuer's metadata")
        if document.get("issuer") != self.issuer:
            raise DocumentInvalid("The issuer's metadata names another issuer.", f"not {self.issuer!r}", code="issuer_mismatch")
        found = document.get("jwks_uri")
        same = self.operator_declared and isinstance(found, str) and origin(found) == origin(self.issuer)
        return check_endpoint(found, "jwks_uri", plain_http=same)
