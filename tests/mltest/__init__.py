"""What the ML Test Score asks and no other test shows; see docs/ml-test-score.md."""
