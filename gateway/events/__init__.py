"""Sends domain events, row-first pushes and timers once their transaction has committed, through the outbox."""
