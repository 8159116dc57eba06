"""Raised hands of a session's room."""
