"""The flow of a class on AWS itself, and always on the stand-in, so that it is known to work."""
