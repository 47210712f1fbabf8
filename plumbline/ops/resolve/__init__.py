"""Resolution of a conflict in dvc.lock: a side's entry where it is still valid, else the stage reruns."""
