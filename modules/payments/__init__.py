"""Payments for places in programs."""
