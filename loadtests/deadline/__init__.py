"""Many students turn in just before a deadline, while S3 fails and a gateway is killed; then all is compared."""
