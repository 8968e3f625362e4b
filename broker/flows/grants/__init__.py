"""The grants of the token endpoint (RFC 6749 4 and 6, spec B.4), and how a client proves itself."""
