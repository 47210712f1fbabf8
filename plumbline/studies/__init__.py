"""Studies of a model that no stage runs: backtest, sensitivity, explain, feature value, privacy."""
