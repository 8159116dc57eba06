"""Writes a notice out: a notification for each user of its audience."""
