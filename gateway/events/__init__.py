"""What outlives a transaction: domain events, row-first pushes and timers, each through the outbox."""
