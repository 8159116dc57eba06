"""Signatures for AWS, and the flow of a class on AWS itself; always on the stand-in too: so it is known to work."""
