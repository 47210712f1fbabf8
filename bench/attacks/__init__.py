"""Ways to get a worse model merged, each tried as a pull request: `python -m bench.attacks`."""
