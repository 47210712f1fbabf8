"""Declarations of a use case, files, errors, hashing, tables, row features, the DuckDB session."""
