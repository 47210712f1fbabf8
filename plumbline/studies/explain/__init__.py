"""Why one event was scored as it was."""
