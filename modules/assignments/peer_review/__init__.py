"""Peer reviews: who reviews whom, and what they wrote."""
