"""Errors of S3, in its XML."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Final
from xml.sax.saxutils import escape

from devcloud.s3.xml_answer import xml_answer
from devcloud.wire import Response

# What a test may make an operation fail with; anything else is a 400.
STATUSES: Final[Mapping[str, int]] = {
    "AccessDenied": 403,
    "InternalError": 500,
    "NoSuchBucket": 404,
    "NoSuchKey": 404,
    "NoSuchUpload": 404,
    "OperationAborted": 409,
    "RequestTimeout": 400,
    "ServiceUnavailable": 503,
    "SlowDown": 503,
}


class S3Error(Exception):
    """A request that S3 refuses; `code` is S3's."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.status = status

    def response(self) -> Response:
        """The answer that S3 gives."""
        id = uuid.uuid4().hex[:16].upper()
        inner = f"<Code>{self.code}</Code><Message>{escape(str(self))}</Message><RequestId>{id}</RequestId>"
        return xml_answer("Error", inner, ("x-amz-request-id", id), status=self.status)


def denied(message: str = "Access Denied") -> S3Error:
    return S3Error("AccessDenied", message, 403)
