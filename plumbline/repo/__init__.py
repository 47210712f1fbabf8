"""What git and DVC recorded: hashes, verification, reproduction, and clearing up."""
