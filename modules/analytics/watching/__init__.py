"""The figures of a class while it goes on, for its hosts."""
