"""The contract held against the data: what the validate stage is made of."""
