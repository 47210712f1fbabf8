"""The HTTP side of serving: routes, security, metrics, sockets, and the change of processes."""
