"""Series of sessions and calendar feeds."""
