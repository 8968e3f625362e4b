"""SAML 2.0, we as the service provider: requests by pysaml2, answers by our own strict reader, logout always signed."""
