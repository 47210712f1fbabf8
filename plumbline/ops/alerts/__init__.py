"""Sends the monitor's findings to the configured channels: e-mail, Slack, Teams, issues. See docs/monitoring.md."""
