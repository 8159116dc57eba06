"""Orders: what is paid for, and what became of it."""
