"""What OpenID Connect and plain OAuth 2.0 share: the authorize URL, the callback, the token request (RFC 6749, 7636, 9207, 9700)."""
