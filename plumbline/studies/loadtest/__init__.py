"""An open-loop load test of a server of events, beside an echo on the same stack."""
