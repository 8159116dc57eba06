"""Drafts, turning in, receipts, attempts."""
