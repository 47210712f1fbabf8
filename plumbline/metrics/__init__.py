"""Metrics, ranking curves, the bootstrap, small-sample intervals and costs."""
