"""Grades: rubrics, versions, release, anonymity, markers, regrade requests."""
