"""Files of events for a warehouse, in a bucket of S3."""
