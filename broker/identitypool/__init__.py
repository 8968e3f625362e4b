"""Identity pools: from claims to a role, principal tags, and credentials that verify (spec D and F)."""
