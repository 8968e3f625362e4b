"""The stores in memory, for tests and for the conformance suite: the contract without a database, rollback and threads included."""
