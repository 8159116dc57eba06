"""Dates of an assignment: wall clock and zone, lateness, and what holds for one student. No IO."""
