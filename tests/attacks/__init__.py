"""Attacks on every limit of the protocol, while honest members chat beside them."""
