"""Questions to the mentors of a session."""
