"""A stand-in for Firebase Cloud Messaging: the v1 endpoint, its token endpoint, and the devices behind it."""
