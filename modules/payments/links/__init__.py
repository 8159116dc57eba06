"""Payment links: somebody without an account, such as a parent, pays for a student's place."""
