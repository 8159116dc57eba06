"""S3 in front of moto: signatures, policies, checksums, sizes of parts and CORS, none of which moto checks."""
