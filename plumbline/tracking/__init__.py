"""MLflow: written to, never read from."""
