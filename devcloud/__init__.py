"""Local stand-ins for the cloud vendors, which the real SDKs talk to; none is needed yet."""
