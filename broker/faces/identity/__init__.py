"""What identity pools publish under `/identity/{uuid}`: discovery and keys, for those who verify their tokens."""

from broker.faces.identity.blueprint import blueprint

__all__ = ["blueprint"]
