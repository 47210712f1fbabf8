"""A conflict in dvc.lock resolved: what a side executed as it stands is taken, the rest runs again."""
