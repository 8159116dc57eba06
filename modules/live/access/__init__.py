"""Who may enter a session, with which role, and with which tokens."""
