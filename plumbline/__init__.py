"""What the stages share: pure modules, and a few named edges that touch files and services."""
