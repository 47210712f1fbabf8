"""Scoring of raw events: the request check and one event's features."""
