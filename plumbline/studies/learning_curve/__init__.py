"""Whether more rows, more rounds or more trials would make the model better."""
