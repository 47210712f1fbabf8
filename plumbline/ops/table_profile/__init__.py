"""A first look at a table: what is in it, what it could be used for, and what is odd."""
