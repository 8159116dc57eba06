"""What hosts may keep of a session's room, by REST."""
