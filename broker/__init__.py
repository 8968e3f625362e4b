"""The service: flows, directory, tokens, stores, and the faces that people and programs see."""
