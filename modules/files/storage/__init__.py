"""The bucket: the one package that calls S3."""
