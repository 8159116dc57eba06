"""Authentication: tokens of the identity provider, and its keys."""
