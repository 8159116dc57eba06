"""Loads of the analytics module."""
