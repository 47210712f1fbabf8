"""Flights: how late will this flight arrive, asked at the moment the plane leaves the gate?"""
