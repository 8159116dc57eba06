"""The grade book of a program: weights, totals, statistics, files."""
