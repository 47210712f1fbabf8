"""All seven stages on worlds of 1 to 100 million events: seconds, memory, disk, and how they grow."""
