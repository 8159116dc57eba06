"""Assignments: work that is set, handed in, graded and counted, up to the certificate of a program."""
