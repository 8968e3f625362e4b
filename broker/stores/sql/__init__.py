"""The stores in SQL: SQLite embedded, PostgreSQL to scale out. Core only; the statements of one port stand in one file."""
