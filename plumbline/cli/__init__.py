"""The command line: one file per group of commands, each command thin: parse, call the library, print."""
