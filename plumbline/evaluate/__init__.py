"""Metrics with intervals, baselines, slices, behaviours, the gate, pictures and the model card."""
