"""The tune stage: the search space and Hyperopt."""
