"""From a prediction or a model back to the source's hash, and which model was champion when."""
