"""Consent to being recorded."""
