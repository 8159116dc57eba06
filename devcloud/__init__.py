"""Local stand-ins for the cloud vendors, which the real SDKs talk to; never part of a deployment."""
