"""Programs: what a class belongs to, and who takes part in it."""
