"""What a model loses where its features are old."""
