"""Who is asking: tokens of the identity provider, its keys, and a stand-in for it in development."""
