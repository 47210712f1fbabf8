"""Planted faults, at least one for each of the 28 tests of the ML Test Score; see docs/ml-test-score.md."""
