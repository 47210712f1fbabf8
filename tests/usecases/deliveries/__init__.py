"""Deliveries: minutes from the order to the door, made up for rehearsals. Timed, small, not linear."""
