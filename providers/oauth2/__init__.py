"""Plain OAuth 2.0: no ID token, so the person is whoever the provider's API says the fresh access token belongs to."""
