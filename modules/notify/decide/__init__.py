"""Decides what becomes of a delivery at the moment it would be sent."""
