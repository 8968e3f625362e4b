"""The one token format: keys, claims, issuing and verifying (spec A)."""
