"""How much the model's quality hangs on each setting that was searched."""
