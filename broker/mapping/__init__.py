"""From what an upstream says to what a profile holds: a chain of small, pure mappers, each line of it explained (spec B.9)."""
