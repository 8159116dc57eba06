"""Measures: every figure of analytics with its definition, its numerator and its denominator."""
