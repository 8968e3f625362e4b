"""What a row of the table cannot say, one file a provider."""
