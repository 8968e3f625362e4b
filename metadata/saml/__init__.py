"""SAML 2.0 metadata and the XML signature layer under it."""
