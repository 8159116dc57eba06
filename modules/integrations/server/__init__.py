"""The server API: what other programs do with the platform by their keys."""
