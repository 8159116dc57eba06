"""A channel of notifications for processes that a test kills: it notes in a table what it was given."""
