"""Search, boosting, calibration, threshold, and the bundle."""
