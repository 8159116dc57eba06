"""The checks of what was uploaded."""
