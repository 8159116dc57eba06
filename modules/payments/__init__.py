"""Payments. The module is not there yet: `events.py` has what others wait for."""
