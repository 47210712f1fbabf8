"""Whether this machine and this checkout can serve: one line per thing that a deployment needs."""
