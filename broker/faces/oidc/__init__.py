"""The OpenID provider that apps see: discovery, authorize, token, userInfo, revoke, introspect, PAR."""

from broker.faces.oidc.blueprint import blueprint

__all__ = ["blueprint"]
