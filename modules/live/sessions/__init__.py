"""Sessions: their rows, their life, and the timers that drive it."""
