"""What a request asks of S3, by its method, path and query."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from devcloud.s3.signatures import query_pairs
from devcloud.wire import Request

_OF_OBJECTS: Final = {"GET": "GetObject", "HEAD": "HeadObject", "PUT": "PutObject", "DELETE": "DeleteObject"}
_OF_BUCKETS: Final = {"HEAD": "HeadBucket", "PUT": "CreateBucket", "DELETE": "DeleteBucket", "GET": "ListObjects"}


@dataclass(frozen=True, kw_only=True)
class Asked:
    """`operation` has the name of S3's API; `bucket` and `key` are decoded, and empty where there is none."""

    operation: str
    bucket: str
    key: str
    query: dict[str, str]


def asked(request: Request) -> Asked:
    """What the request asks; an operation that is not told apart is named by the method."""
    query = dict(query_pairs(request.query))
    bucket, _, key = unquote(request.path).removeprefix("/").partition("/")
    return Asked(operation=_operation(request, bucket, key, query), bucket=bucket, key=key, query=query)


def _operation(request: Request, bucket: str, key: str, query: dict[str, str]) -> str:
    method = request.method
    if not bucket:
        return "ListBuckets" if method == "GET" else method
    return _on_object(request, query) if key else _on_bucket(request, query)


def _on_object(request: Request, query: dict[str, str]) -> str:
    match request.method:
        case "POST" if "uploads" in query:
            return "CreateMultipartUpload"
        case "POST" if "uploadId" in query:
            return "CompleteMultipartUpload"
        case "PUT" if "uploadId" in query:
            return "UploadPartCopy" if request.header("x-amz-copy-source") else "UploadPart"
        case "PUT" if request.header("x-amz-copy-source"):
            return "CopyObject"
        case "GET" if "uploadId" in query:
            return "ListParts"
        case "GET" if "attributes" in query:
            return "GetObjectAttributes"
        case "DELETE" if "uploadId" in query:
            return "AbortMultipartUpload"
        case method if "tagging" in query or "acl" in query:
            return method
        case method:
            return _OF_OBJECTS.get(method, method)


def _on_bucket(request: Request, query: dict[str, str]) -> str:
    match request.method:
        case "POST" if request.header("content-type").startswith("multipart/form-data"):
            return "PostObject"
        case "POST" if "delete" in query:
            return "DeleteObjects"
        case "GET" if "uploads" in query:
            return "ListMultipartUploads"
        case "GET" if query.get("list-type") == "2":
            return "ListObjectsV2"
        case method if "cors" in query:
            return {"PUT": "PutBucketCors", "GET": "GetBucketCors", "DELETE": "DeleteBucketCors"}.get(method, method)
        case method if any(not value and not name.startswith("x-") for name, value in query.items()):
            # Another configuration of the bucket, such as ?versioning.
            return method
        case method:
            return _OF_BUCKETS.get(method, method)
