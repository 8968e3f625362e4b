"""The shapes of a service model, compiled once: what comes in is checked, what goes out is cut to the model."""
