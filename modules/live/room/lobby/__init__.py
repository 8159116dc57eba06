"""The lobby: where viewers wait to be admitted to a session."""
