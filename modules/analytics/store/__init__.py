"""The store: every fact and client event once, with its part of the rollups, registers and learner days."""
