"""Who hands out temporary credentials: our own STS, or another."""
