"""One definition of a feature, for a whole table and for a single event, and the feature store."""
