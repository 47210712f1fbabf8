"""The graph as the library carries it: the seven stages, dvc.yaml (graph.yaml) and the locks, each a link to this repository's own.

A project that `plumbline init` wrote has no library beside it: its stages call these.
"""
