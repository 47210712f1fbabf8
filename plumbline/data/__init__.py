"""From a source to typed events in monthly files: what the data stage is made of."""
