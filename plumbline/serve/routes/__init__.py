"""Which bundle answers: the routes, their switches, the shadow, the red button and the canary."""
