"""SAML 2.0, we as the service provider: requests written out, answers by our own strict reader, logout by pysaml2, always signed."""
