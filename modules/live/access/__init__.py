"""Who may enter a session, as what, and with which tokens."""
