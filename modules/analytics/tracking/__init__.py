"""Client events: what clients may send, what of it is taken, and with which time."""
