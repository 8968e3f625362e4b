"""Limits on what one address, client or user may ask in a while."""
