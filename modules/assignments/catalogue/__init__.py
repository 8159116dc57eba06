"""Assignments, their questions, groups, extensions and accommodations."""
