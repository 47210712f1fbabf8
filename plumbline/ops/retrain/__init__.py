"""What runs without being asked for: retraining, releases, audits, and what they tell the team."""
