"""The ML Test Score of this checkout: 28 tests, each marked, run, passed, and proved by a planted fault."""
