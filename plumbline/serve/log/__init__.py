"""The prediction log: what was served, row by row, in a SQLite file per day."""
