"""A release: every tag pushed and proved on the remote, its bundles packed the same each time."""
