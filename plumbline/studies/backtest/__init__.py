"""What a model would have been worth: made again at many days of the past, judged on what followed."""
