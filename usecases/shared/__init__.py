"""What several use cases import: entities, histories, row functions. Every stage depends on it."""
