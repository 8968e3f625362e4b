"""Short-lived state in Redis."""
