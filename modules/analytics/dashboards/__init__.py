"""Dashboards of students, mentors and admins, and the report of one session."""
