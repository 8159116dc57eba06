"""Presigned requests of S3: AWS signature version 4, in the query or in a form.

The SDK's signer takes twenty times as long, and a class of three hours has thousands of segments. The tests compare
what is signed here with what botocore signs.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import quote, urlsplit

import msgspec

from gateway.aws.signature import ALGORITHM, AccessKey, Signer

# What stands as it is in a query, and in a path.
UNRESERVED: Final = "-_.~"


class Presigner:
    """Signs requests for the objects of one bucket, which are good from `at` on for `seconds`."""

    def __init__(self, base: str, region: str, key: AccessKey, at: datetime, seconds: int) -> None:
        """`base` is the bucket's address, which ends with a slash; `at` is in UTC."""
        parts = urlsplit(base)
        self._signer = signer = Signer(key, region, at)
        self._values = {
            "X-Amz-Algorithm": ALGORITHM,
            "X-Amz-Credential": signer.credential,
            "X-Amz-Date": signer.stamp,
            "X-Amz-Expires": str(seconds),
            **({"X-Amz-Security-Token": key.session} if key.session else {}),
            "X-Amz-SignedHeaders": "host",
        }
        self._expires = at + timedelta(seconds=seconds)
        self._host = parts.netloc
        self._path = parts.path
        self._base = f"{parts.scheme}://{parts.netloc}"
        query = _query(self._values)
        self._query = f"?{query}&X-Amz-Signature="
        self._head = f"\n{query}\nhost:{parts.netloc}\n\nhost\nUNSIGNED-PAYLOAD"
        self._signed = f"{ALGORITHM}\n{signer.stamp}\n{signer.scope}\n"

    def url(self, object_key: str) -> str:
        """A URL by which the object can be read."""
        path = self._path + quote(object_key, safe=f"/{UNRESERVED}")
        signature = self._sign(f"GET\n{path}{self._head}")
        return f"{self._base}{path}{self._query}{signature}"

    def request(
        self, method: str, object_key: str, query: Mapping[str, str], headers: Mapping[str, str] | None = None
    ) -> str:
        """A URL for another request, with these parameters. Whoever makes it must send exactly these headers.

        Their names are in lower case.
        """
        sent = {"host": self._host, **(headers or {})}
        names = ";".join(sorted(sent))
        whole = _query({**self._values, "X-Amz-SignedHeaders": names, **query})
        path = self._path + quote(object_key, safe=f"/{UNRESERVED}")
        lines = "".join(f"{name}:{sent[name].strip()}\n" for name in sorted(sent))
        signature = self._sign(f"{method}\n{path}\n{whole}\n{lines}\n{names}\nUNSIGNED-PAYLOAD")
        return f"{self._base}{path}?{whole}&X-Amz-Signature={signature}"

    def form(self, fields: Mapping[str, str], conditions: Sequence[Any] = ()) -> tuple[str, dict[str, str]]:
        """The address and the fields of a form that uploads an object; `key` is one of the fields.

        S3 takes it with exactly these fields, and where `conditions` hold too.
        """
        signer = self._signer
        bucket = self._path.strip("/") or self._host.partition(".")[0]
        signed = {
            **fields,
            "x-amz-algorithm": ALGORITHM,
            "x-amz-credential": signer.credential,
            "x-amz-date": signer.stamp,
            **({"x-amz-security-token": signer.key.session} if signer.key.session else {}),
        }
        expiration = self._expires.strftime("%Y-%m-%dT%H:%M:%SZ")
        every = [{"bucket": bucket}, *({name: value} for name, value in signed.items()), *conditions]
        policy = base64.b64encode(msgspec.json.encode({"expiration": expiration, "conditions": every})).decode()
        return f"{self._base}{self._path}".rstrip("/"), {
            **signed,
            "policy": policy,
            "x-amz-signature": signer.sign(policy),
        }

    def _sign(self, request: str) -> str:
        return self._signer.sign(self._signed + hashlib.sha256(request.encode()).hexdigest())


def _query(values: Mapping[str, str]) -> str:
    """In the order that is signed."""
    pairs = sorted((quote(name, safe=UNRESERVED), quote(value, safe=UNRESERVED)) for name, value in values.items())
    return "&".join(f"{name}={value}" for name, value in pairs)
