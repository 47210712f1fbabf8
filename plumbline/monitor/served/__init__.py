"""What was really served: logged features, scores and decisions against the batch and the labels."""
