"""Roles, policies and the providers that roles trust, as `aws iam` manages them (API `iam`). All within this broker's one account."""
