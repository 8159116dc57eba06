"""Announcements: what the platform tells all of its users, those of a role or those of a program, for a time."""
