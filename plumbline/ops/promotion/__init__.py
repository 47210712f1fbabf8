"""A merged commit's bundle on its way to champion of a running service, step by step."""
