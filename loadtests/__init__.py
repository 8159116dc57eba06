"""Measures what the gateway costs and carries."""
