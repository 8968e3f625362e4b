"""What upstreams see: the callback, the ACS, single logout, back-channel logout, and our SAML metadata."""

from broker.faces.upstream.blueprint import blueprint

__all__ = ["blueprint"]
