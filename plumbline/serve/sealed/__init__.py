"""A finished day of the prediction log as Parquet files that are never rewritten."""
