"""What the bucket says of objects and of uploads in parts."""

from __future__ import annotations

import base64
from datetime import datetime

import msgspec


class StoredObject(msgspec.Struct, frozen=True):
    """An object in the bucket.

    `sha256` is of all its bytes in lower-case hex; empty when S3 does not say it, as of an object that came in parts.
    """

    size: int
    sha256: str = ""


class StoredPart(msgspec.Struct, frozen=True):
    """A part that has arrived. `sha256` is in lower-case hex, empty when it came without."""

    number: int
    size: int
    etag: str
    sha256: str = ""


class ListedObject(msgspec.Struct, frozen=True):
    key: str
    size: int
    modified_at: datetime


class ListedUpload(msgspec.Struct, frozen=True):
    """An upload in parts that was neither completed nor aborted."""

    key: str
    upload_id: str
    begun_at: datetime


class UploadForm(msgspec.Struct, frozen=True):
    """A form that uploads one object: `multipart/form-data` with these fields, and then `file`."""

    url: str
    fields: dict[str, str]


def to_base64(sha256: str) -> str:
    """A checksum in hex, as S3 writes it."""
    return base64.b64encode(bytes.fromhex(sha256)).decode()


def to_hex(checksum: str) -> str:
    """A checksum of S3, in lower-case hex."""
    return base64.b64decode(checksum).hex()
