"""Attention: which members have turned to another window."""
