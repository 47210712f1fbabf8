"""What a change does: two revisions compared by numbers, the report on it, and whether it may be merged."""
