"""What was served, scored again: equal to the bit or why not, and what other bundles, thresholds and costs change."""
