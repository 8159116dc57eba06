"""Students who fall behind in a program, with the reason, and messages to them."""
