"""Rooms and the sockets in them: joining, fan-out, recovery, history, the archive."""
