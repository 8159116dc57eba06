"""Users: who they are beyond their token."""
