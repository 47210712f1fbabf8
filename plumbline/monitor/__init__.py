"""Reference against current: drift, quality on known labels, the verdict, Evidently."""
