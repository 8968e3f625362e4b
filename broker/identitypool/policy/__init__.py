"""The policy engine: documents are read strictly and compiled once, and deciding never raises (spec F). No I/O, no store, no clock."""
