"""What the broker needs of the world, as small protocols. Adapters live in `broker.stores`; one conformance suite a port."""
