"""The train stage: boost, calibrate, choose the threshold."""
