"""Card fraud: will this payment be reported as fraud? Simulated events; money in integer cents."""
