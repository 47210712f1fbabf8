"""What each feature brings, beside columns of noise, and what it costs."""
