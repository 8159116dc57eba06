"""Payments. There is no module yet: `events.py` has the events that programs listens to."""
