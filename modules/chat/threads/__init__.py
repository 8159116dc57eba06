"""Threads: a message of a room and its answers, counted and read apart from the rest."""
