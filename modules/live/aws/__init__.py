"""The adapters for AWS IVS and S3, the only places with the AWS SDK."""
