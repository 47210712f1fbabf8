"""How many small changes to feature and contract code do their tests notice? See `__main__`."""
