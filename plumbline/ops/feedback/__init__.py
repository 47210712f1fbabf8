"""Feedback to a running service: what became of events, from a file."""
