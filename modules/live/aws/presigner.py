"""Presigned URLs for many objects in S3 at once: AWS signature version 4, in the query.

The SDK's signer takes twenty times as long, and a class of three hours has thousands of segments. The tests compare the
URLs with those of botocore.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime
from typing import Final
from urllib.parse import quote, urlsplit

import msgspec

ALGORITHM: Final = "AWS4-HMAC-SHA256"


class AccessKey(msgspec.Struct, frozen=True):
    """Credentials of AWS; those of a role have a `session`, and what they sign ends with it."""

    id: str
    secret: str
    session: str | None = None

    def __repr__(self) -> str:
        return f"AccessKey({self.id!r})"


class Presigner:
    """Makes URLs by which the objects of one bucket can be read, from `at` on for `seconds`."""

    def __init__(self, base: str, region: str, key: AccessKey, at: datetime, seconds: int) -> None:
        """`base` is the bucket's address, which ends with a slash; `at` is in UTC."""
        parts = urlsplit(base)
        stamp = at.strftime("%Y%m%dT%H%M%SZ")
        scope = f"{stamp[:8]}/{region}/s3/aws4_request"
        values = {
            "X-Amz-Algorithm": ALGORITHM,
            "X-Amz-Credential": f"{key.id}/{scope}",
            "X-Amz-Date": stamp,
            "X-Amz-Expires": str(seconds),
            **({"X-Amz-Security-Token": key.session} if key.session else {}),
            "X-Amz-SignedHeaders": "host",
        }
        query = "&".join(f"{name}={quote(value, safe='-_.~')}" for name, value in values.items())
        self._path = parts.path
        self._base = f"{parts.scheme}://{parts.netloc}"
        self._query = f"?{query}&X-Amz-Signature="
        self._head = f"\n{query}\nhost:{parts.netloc}\n\nhost\nUNSIGNED-PAYLOAD"
        self._signed = f"{ALGORITHM}\n{stamp}\n{scope}\n"
        secret = f"AWS4{key.secret}".encode()
        for part in scope.split("/"):
            secret = hmac.digest(secret, part.encode(), "sha256")
        self._secret = secret

    def url(self, object_key: str) -> str:
        path = self._path + quote(object_key, safe="/-_.~")
        request = hashlib.sha256(f"GET\n{path}{self._head}".encode()).hexdigest()
        signature = hmac.digest(self._secret, f"{self._signed}{request}".encode(), "sha256").hex()
        return f"{self._base}{path}{self._query}{signature}"
