"""The user directory: profiles, the identities that reach them, groups."""
