"""Rollback to any commit: code, outs, registry, feature store and predictions, atomically and verified."""
