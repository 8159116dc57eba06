"""Checksums that a client announces, in headers or in the fields of a form: computed again, and refused when wrong."""

from __future__ import annotations

import base64
import binascii
import hashlib
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from devcloud.s3.errors import S3Error

PREFIX: Final = "x-amz-checksum-"
_COMPUTE: Final[Mapping[str, Callable[[bytes], bytes]]] = {
    "crc32": lambda body: zlib.crc32(body).to_bytes(4, "big"),
    "sha1": lambda body: hashlib.sha1(body, usedforsecurity=False).digest(),
    "sha256": lambda body: hashlib.sha256(body).digest(),
}
# Nothing here computes the last two, so they are believed.
_BYTES: Final = {"crc32": 4, "sha1": 20, "sha256": 32, "crc32c": 4, "crc64nvme": 8}


@dataclass(frozen=True)
class Checksum:
    """`algorithm` is in lower case; `value` is base64, of an object in parts with `-<parts>` behind it."""

    algorithm: str
    value: str

    @property
    def header(self) -> tuple[str, str]:
        return PREFIX + self.algorithm, self.value

    @property
    def kind(self) -> str:
        return "COMPOSITE" if "-" in self.value else "FULL_OBJECT"

    @property
    def element(self) -> str:
        return f"<Checksum{self.algorithm.upper()}>{self.value}</Checksum{self.algorithm.upper()}>"


def announced(given: Mapping[str, str]) -> Checksum | None:
    """The checksum among these headers or fields, whose names are in lower case. Raises S3Error for a malformed one."""
    found = [Checksum(name, given[PREFIX + name]) for name in _BYTES if given.get(PREFIX + name)]
    if len(found) > 1:
        message = "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."
        raise S3Error("InvalidRequest", message)
    if not found:
        wanted = given.get("x-amz-sdk-checksum-algorithm") or given.get(PREFIX + "algorithm")
        if wanted and "x-amz-trailer" not in given:
            message = (
                "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer "
                "headers were found."
            )
            raise S3Error("InvalidRequest", message)
        return None
    return found[0]


def check(checksum: Checksum, body: bytes) -> None:
    """Raises S3Error when the body is another one."""
    if _decoded(checksum.value, _BYTES[checksum.algorithm]) is None:
        raise S3Error("InvalidRequest", f"Value for {PREFIX}{checksum.algorithm} header is invalid.")
    compute = _COMPUTE.get(checksum.algorithm)
    if compute is not None and base64.b64encode(compute(body)).decode() != checksum.value:
        raise mismatch(checksum.algorithm)


def check_md5(value: str, body: bytes) -> None:
    """The same for Content-MD5."""
    wanted = _decoded(value, 16)
    if wanted is None:
        raise S3Error("InvalidDigest", "The Content-MD5 you specified was invalid.")
    if hashlib.md5(body, usedforsecurity=False).digest() != wanted:
        raise S3Error("BadDigest", "The Content-MD5 you specified did not match what we received.")


def check_payload(value: str, body: bytes) -> None:
    """The same for the hash that the headers' signature is made with."""
    if len(value) == 64 and hashlib.sha256(body).hexdigest() != value:
        message = "The provided 'x-amz-content-sha256' header does not match what was computed."
        raise S3Error("XAmzContentSHA256Mismatch", message)


def composite(algorithm: str, values: list[str]) -> Checksum | None:
    """The checksum of an object in parts: that of the parts' checksums, and how many there are."""
    compute = _COMPUTE.get(algorithm)
    if compute is None:
        return None
    joined = compute(b"".join(base64.b64decode(value) for value in values))
    return Checksum(algorithm, f"{base64.b64encode(joined).decode()}-{len(values)}")


def mismatch(algorithm: str) -> S3Error:
    return S3Error("BadDigest", f"The {algorithm.upper()} you specified did not match the calculated checksum.")


def _decoded(value: str, length: int) -> bytes | None:
    try:
        found = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return None
    return found if len(found) == length else None
