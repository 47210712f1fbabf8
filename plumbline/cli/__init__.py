"""The command line's own words: one module per command, each with `add(parsers)` and a function."""
