"""The real workflow files, run step by step on this machine: see `tests/rehearsal/workflows.py`."""
