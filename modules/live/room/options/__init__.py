"""What hosts choose for a session's room."""
