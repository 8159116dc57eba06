"""The adapters for AWS IVS, SQS and S3: in live, only they use the AWS SDK."""
