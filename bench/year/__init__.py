"""A year in a rehearsal: the card-fraud world goes on, and what is done about it costs money."""
