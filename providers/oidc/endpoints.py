"""Where one provider's endpoints and keys are: from discovery, or written out in its options."""

from __future__ import annotations

from datetime import datetime

from joserfc.jwk import OctKey

from metadata.oidc.discovery import DiscoverySource, OpMetadata, origin
from metadata.oidc.jwks import Key, KeySource
from providers.base import ProviderSpec, Toolbox
from providers.http import upstream
from providers.oidc.jws import KeyFinder
from providers.oidc.options import HMAC_ALGORITHMS, OidcOptions


class Endpoints:
    """The trust documents of one provider, kept in the toolbox's cache under its pool and id: no two tenants share a key."""

    def __init__(self, spec: ProviderSpec, options: OidcOptions, tools: Toolbox) -> None:
        self._spec, self._options, self._tools = spec, options, tools

    def metadata(self) -> OpMetadata:
        """Raises UpstreamUnavailable, ProviderMisconfigured."""
        options = self._options
        if options.explicit:
            return OpMetadata(
                issuer=options.issuer,
                authorization_endpoint=options.authorize_url,
                token_endpoint=options.token_url,
                jwks_uri=options.jwks_uri,
                userinfo_endpoint=options.attributes_url,
                end_session_endpoint=options.end_session_url,
                iss_parameter=bool(options.iss_parameter),
                token_auth_methods=("client_secret_post",),
            )
        source = DiscoverySource(
            fetch=self._tools.fetch,
            slot=self._tools.cache.slot("discovery", *self._place, options.issuer),
            issuer=options.issuer,
            operator_declared=self._spec.operator_declared,
            tenants=bool(options.tenants),
        )
        with upstream("discovery"):
            return source.get(self._tools.clock())

    def declared(self, metadata: OpMetadata, url: str) -> bool:
        """May this URL lead inside? Only one that the operator wrote, or one of the same origin as the issuer that he wrote."""
        if self._options.explicit:
            return self._spec.operator_declared
        return metadata.declared(url)

    def key_finder(self, metadata: OpMetadata, now: datetime) -> KeyFinder:
        """How to find the key of a token. It raises UpstreamUnavailable, ProviderMisconfigured."""
        source = KeySource(
            fetch=self._tools.fetch,
            slot=self._tools.cache.slot("jwks", *self._place, metadata.jwks_uri),
            url=metadata.jwks_uri,
            operator_declared=self.declared(metadata, metadata.jwks_uri),
        )

        def find(kid: str | None, alg: str) -> tuple[Key | OctKey, ...]:
            if alg in HMAC_ALGORITHMS:
                # The secret and nothing else: a public key is never a secret (OA-R1.4).
                return (OctKey.import_key(self._spec.secrets["client_secret"]),)
            with upstream("jwks"):
                return tuple(k.key for k in source.find(kid, alg, now))

        return find

    @property
    def _place(self) -> tuple[str, str, str]:
        return self._spec.pool_id, self._spec.provider_id, origin(self._options.issuer)
