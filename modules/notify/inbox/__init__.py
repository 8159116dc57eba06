"""The list of notifications in the app."""
