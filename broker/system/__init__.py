"""The machine under us: clock, randomness, log lines, audit events, metrics. Adapters of `broker.ports.environment`."""
