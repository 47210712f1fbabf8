"""Scheduled retraining: the champion on newer data, and a challenger where the monitor calls for one."""
