"""Experiments on what is served: planned, declared under git, judged at every look, ended with a report."""
