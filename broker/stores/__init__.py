"""Where state lives. `broker.stores.open` picks an adapter by its URL; one conformance suite a port (tests/contract) binds them all."""
