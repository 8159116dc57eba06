"""Live sessions: the classes, and who may join their rooms."""
