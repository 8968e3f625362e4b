"""The use cases, one verb a file. No web framework, no database: ports only."""
