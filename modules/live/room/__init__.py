"""What happens in a session's room. Each part is a package: its messages, its rows and its rules."""
