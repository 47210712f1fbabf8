"""Back to any commit: code, outs, registry, feature store and predictions together, or not at all."""
