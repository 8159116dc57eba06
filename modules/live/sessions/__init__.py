"""The life of a session: its row, its steps and its timers."""
