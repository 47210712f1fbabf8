"""Who is told of what the monitor found: by mail, in Slack or Teams, as an issue. See docs/monitoring.md."""
