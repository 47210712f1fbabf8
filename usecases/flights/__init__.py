"""Flights: how late will this flight arrive, predicted at the moment the plane leaves the gate?"""
