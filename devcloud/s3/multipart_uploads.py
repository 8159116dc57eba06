"""Uploads in parts that are under way: what is known of their parts, and what their completion must agree with."""

from __future__ import annotations

import itertools
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from devcloud.s3 import checksums
from devcloud.s3.checksums import Checksum
from devcloud.s3.errors import S3Error

LEAST: Final = 5 * 1024 * 1024
PARTS_MOST: Final = 10_000


@dataclass(frozen=True)
class Part:
    """`size` is in bytes; `etag` is without quotes."""

    size: int
    etag: str
    checksum: Checksum | None


@dataclass
class MultipartUpload:
    """`algorithm` is that of the checksums, in lower case, or empty; `begun_at` is as S3 writes it."""

    bucket: str
    key: str
    algorithm: str
    begun_at: str
    complete: bool = False
    parts: dict[int, Part] = field(default_factory=dict)

    def check_part(self, number: str, checksum: Checksum | None) -> int:
        """Check a part that comes; returns its number. Raises S3Error."""
        if not number.isdecimal() or not 1 <= int(number) <= PARTS_MOST:
            message = f"Part number must be an integer between 1 and {PARTS_MOST}, inclusive"
            raise S3Error("InvalidArgument", message)
        given = checksum.algorithm if checksum else "null"
        if self.algorithm and given != self.algorithm:
            message = f"Checksum Type mismatch occurred, expected checksum Type: {self.algorithm}, actual: {given}"
            raise S3Error("InvalidRequest", message)
        return int(number)

    def completed(self, body: bytes, headers: Mapping[str, str]) -> Checksum | None:
        """Check what completes the upload; returns the checksum of the whole. Raises S3Error."""
        named = _named(body)
        if any(one >= other for (one, _, _), (other, _, _) in itertools.pairwise(named)):
            message = "The list of parts was not in ascending order. It must be specified in order by part number."
            raise S3Error("InvalidPartOrder", message)
        found = [self._part(number, etag, values) for number, etag, values in named]
        if any(part.size < LEAST for part in found[:-1]):
            raise S3Error("EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size")
        size = headers.get("x-amz-mp-object-size")
        if size is not None and size != str(sum(part.size for part in found)):
            message = "The provided 'x-amz-mp-object-size' header does not match what was computed."
            raise S3Error("InvalidRequest", message)
        if not self.algorithm:
            return None
        whole = checksums.composite(self.algorithm, [part.checksum.value for part in found if part.checksum])
        given = headers.get(checksums.PREFIX + self.algorithm)
        # Without the number of parts it is the same checksum.
        if whole is not None and given is not None and given not in (whole.value, whole.value.partition("-")[0]):
            raise checksums.mismatch(self.algorithm)
        return whole

    def _part(self, number: int, etag: str, values: Mapping[str, str]) -> Part:
        part = self.parts.get(number)
        if part is None or part.etag != etag:
            raise _invalid_part()
        if self.algorithm and self.algorithm not in values:
            message = (
                f"The upload was created using a {self.algorithm} checksum. The complete request must include the "
                f"checksum for each part. It was missing for part {number} in the request."
            )
            raise S3Error("InvalidRequest", message)
        for algorithm, value in values.items():
            if part.checksum is not None and part.checksum != Checksum(algorithm, value):
                raise _invalid_part()
        return part


def _named(body: bytes) -> list[tuple[int, str, dict[str, str]]]:
    """Number, ETag and checksums by algorithm of the parts in the body of CompleteMultipartUpload."""
    try:
        parts = []
        for element in ET.fromstring(body):  # noqa: S314
            texts = {child.tag.rpartition("}")[2]: child.text or "" for child in element}
            values = {name[8:].lower(): text for name, text in texts.items() if name.startswith("Checksum")}
            parts.append((int(texts["PartNumber"]), texts["ETag"].strip('"'), values))
    except (ET.ParseError, KeyError, ValueError):
        parts = []
    if not parts:
        message = "The XML you provided was not well-formed or did not validate against our published schema"
        raise S3Error("MalformedXML", message)
    return parts


def _invalid_part() -> S3Error:
    message = (
        "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified "
        "entity tag may not match the part's entity tag."
    )
    return S3Error("InvalidPart", message)
