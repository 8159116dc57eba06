"""Disputes: a payer asks their bank for the money back, and we have some days to answer."""
