"""The use cases of identity pools (API `cognito-identity`, spec D)."""
