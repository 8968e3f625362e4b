"""Social providers: a table of rows, and a small file for each thing that a row cannot say."""
