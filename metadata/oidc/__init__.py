"""OpenID Connect discovery documents and JSON Web Key Sets."""
