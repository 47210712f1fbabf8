"""What runs on a Spark cluster: a real one, of a master and two workers on loopback."""
