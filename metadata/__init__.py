"""Trust documents: SAML metadata, OIDC discovery and JWKS. No Flask, no database, no broker."""
