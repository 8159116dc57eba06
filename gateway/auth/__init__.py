"""Who is asking: tokens of the identity provider, and its keys."""
