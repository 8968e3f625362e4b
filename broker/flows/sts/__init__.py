"""The security token service: temporary credentials for whoever proves to be somebody, and who holds them (API `sts`, spec E.4)."""
