"""Personal data in what the stages wrote."""
