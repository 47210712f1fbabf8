"""What runs around a stage: runner, preflight, run records, progress. It cannot change an out."""
