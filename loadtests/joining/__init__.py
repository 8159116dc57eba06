"""Measures what entering a class costs, beside the bars."""
